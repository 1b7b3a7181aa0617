#pragma once

#include "server/board/log.h"
#include "server/store/database.h"

namespace callboard::server {

// The columns that an operation is read from, in this order.
inline constexpr const char* kOperationColumns =
    "sequence, id, session, user, timestamp, record, base, value, counter, form, settles, path";

// The statement's present row.
Result<Committed> operation_of(const Statement& row);

}  // namespace callboard::server
