#include "server/store/snapshot_rows.h"

#include <string>
#include <utility>

#include "server/store/packed_state.h"

namespace callboard::server {

Result<std::uint64_t> last_sequence(Database& database) {
  const auto last = database.number(
      "SELECT max(coalesce((SELECT max(sequence) FROM operations), 0), "
      "coalesce((SELECT sequence FROM snapshot), 0))");
  if (!last) return last.error();
  return static_cast<std::uint64_t>(*last);
}

Result<LogSnapshot> newest_snapshot(Database& database) {
  auto statement = database.prepare("SELECT sequence, state FROM snapshot");
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return row.error();
  if (!*row) return LogSnapshot{};
  auto state = unpacked_state(statement->blob(1));
  if (!state) return state.error().prefixed("snapshot " + std::to_string(statement->u64(0)));
  return LogSnapshot{statement->u64(0), std::move(*state)};
}

Result<void> write_snapshot(Database& database, const LogSnapshot& snapshot) {
  auto statement =
      database.prepare("INSERT OR REPLACE INTO snapshot (one, sequence, state) VALUES (1, ?, ?)");
  if (!statement) return statement.error();
  statement->bind(0, snapshot.sequence).bind(1, ByteView(snapshot.state));
  auto done = statement->step();
  if (!done) return done.error();
  return {};
}

Result<std::uint64_t> newest_keyframe(Database& database, Record record) {
  auto statement = database.prepare("SELECT coalesce(max(sequence), 0) FROM keyframes WHERE record = ?");
  if (!statement) return statement.error();
  statement->bind(0, static_cast<std::uint64_t>(record));
  auto row = statement->step();
  if (!row) return row.error();
  return statement->u64(0);
}

Result<void> write_keyframe(Database& database, Record record, const LogSnapshot& keyframe) {
  auto statement =
      database.prepare("INSERT OR REPLACE INTO keyframes (record, sequence, state) VALUES (?, ?, ?)");
  if (!statement) return statement.error();
  statement->bind(0, static_cast<std::uint64_t>(record)).bind(1, keyframe.sequence);
  statement->bind(2, ByteView(keyframe.state));
  auto done = statement->step();
  if (!done) return done.error();
  return {};
}

}  // namespace callboard::server
