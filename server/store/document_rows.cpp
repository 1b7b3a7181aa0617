#include "server/store/document_rows.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "server/store/operation_rows.h"
#include "server/store/packed_state.h"

namespace callboard::server {
namespace {

// The database's integers are signed.
std::uint64_t storable(std::uint64_t sequence) {
  return std::min(sequence, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

Result<KeptDocument> kept_document(Database& database, Record record, std::uint64_t until) {
  auto statement = database.prepare(
      "SELECT sequence, state FROM keyframes WHERE record = ? AND sequence <= ? ORDER BY sequence DESC LIMIT "
      "1");
  if (!statement) return statement.error();
  statement->bind(0, static_cast<std::uint64_t>(record)).bind(1, storable(until));
  const auto row = statement->step();
  if (!row) return row.error();
  if (!*row) return KeptDocument();
  const std::string name = "keyframe " + std::to_string(statement->u64(0));
  const auto state = unpacked_state(statement->blob(1));
  if (!state) return state.error().prefixed(name);
  ByteReader reader(*state);
  auto document = MergedDocument::from(reader);
  if (!document || !reader.finished()) return Error{Outcome::failed, name + ": damaged"};
  return KeptDocument{std::move(*document), statement->u64(0)};
}

Result<void> for_each_of_document(Database& database, Record record, std::uint64_t first, std::uint64_t last,
                                  const std::function<Result<void>(Committed)>& visit) {
  auto statement =
      database.prepare(std::string("SELECT ") + kOperationColumns +
                       " FROM operations WHERE sequence BETWEEN ? AND ? AND record = ? ORDER BY sequence");
  if (!statement) return statement.error();
  statement->bind(0, storable(first)).bind(1, storable(last)).bind(2, static_cast<std::uint64_t>(record));
  return for_each_operation(*statement, [&visit](Committed committed) -> Result<void> {
    if (auto sound = read_edits(committed.operation); !sound)
      return sound.error().prefixed("operation " + std::to_string(committed.sequence));
    return visit(std::move(committed));
  });
}

}  // namespace callboard::server
