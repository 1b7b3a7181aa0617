#pragma once

#include <cstdint>

#include "base/result.h"
#include "server/board/log.h"
#include "server/store/database.h"

namespace callboard::server {

// Of the newest operation that is in the log, or that its snapshot was made of.
Result<std::uint64_t> last_sequence(Database& database);

// See Log.
Result<LogSnapshot> newest_snapshot(Database& database);
Result<void> write_snapshot(Database& database, const LogSnapshot& snapshot);
Result<std::uint64_t> newest_keyframe(Database& database, Record record);
Result<void> write_keyframe(Database& database, Record record, const LogSnapshot& keyframe);

}  // namespace callboard::server
