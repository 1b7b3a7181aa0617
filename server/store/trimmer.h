#pragma once

#include "base/clock.h"
#include "server/board/log.h"
#include "server/store/database.h"

namespace callboard::server {

// Forgets some of what the retention does not keep, in one short transaction: operations on documents before a keyframe
// (what is after it needs them no more), never those that a start has to read. True: there is more.
Result<bool> trim_some(Database& database, const Retention& retention, Timestamp now);

}  // namespace callboard::server
