#pragma once

#include <functional>

#include "base/bytes.h"
#include "base/id.h"
#include "server/board/log.h"
#include "server/store/database.h"

namespace callboard::server {

// The columns that an operation is read from, in this order.
inline constexpr const char* kOperationColumns =
    "sequence, id, session, user, timestamp, record, base, value, counter, form, settles, path";

// As the column `id` has it.
Bytes bytes_of(UniqueId id);
// The statement's present row.
Result<Committed> operation_of(const Statement& row);
// All rows of a statement, in its order, until one is damaged or `visit` fails.
Result<void> for_each_operation(Statement& statement, const std::function<Result<void>(Committed)>& visit);

}  // namespace callboard::server
