#include "server/store/trimmer.h"

#include <chrono>
#include <string>

#include "base/document_limits.h"

namespace callboard::server {
namespace {

struct Limits {
  const Retention& retention;
  Timestamp oldest;
};

// The newest keyframe up to which everything may go; 0 for none. Where there is too much, that of the fewest operations.
constexpr const char* kFindCut = R"sql(
  SELECT max(k.sequence) FROM keyframes k
  WHERE k.record = ?1
    AND k.sequence <= (SELECT sequence FROM snapshot)
    AND (SELECT count(*) FROM operations WHERE record = ?1 AND sequence > k.sequence) >= ?2
    AND (NOT EXISTS (SELECT 1 FROM operations WHERE record = ?1 AND sequence <= k.sequence AND timestamp >= ?3)
         OR (SELECT total(length(value)) FROM operations
             WHERE record = ?1 AND sequence > coalesce(
               (SELECT max(sequence) FROM keyframes WHERE record = ?1 AND sequence < k.sequence), 0)) > ?4)
)sql";

Result<std::uint64_t> find_cut(Database& database, Record record, const Limits& limits) {
  auto statement = database.prepare(kFindCut);
  if (!statement) return statement.error();
  statement->bind(0, static_cast<std::uint64_t>(record)).bind(1, limits.retention.revisions);
  statement->bind(2, limits.oldest.ms).bind(3, limits.retention.size_bytes);
  auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->u64(0) : 0;
}

Result<int> forget(Database& database, Record record, std::uint64_t cut) {
  auto operations = database.prepare(
      "DELETE FROM operations WHERE sequence IN (SELECT sequence FROM operations WHERE record = ? AND "
      "sequence <= ? ORDER BY sequence LIMIT ?)");
  if (!operations) return operations.error();
  operations->bind(0, static_cast<std::uint64_t>(record)).bind(1, cut).bind(2, kTrimRows);
  if (auto done = operations->step(); !done) return done.error();
  const int rows = database.changes();
  auto keyframes = database.prepare("DELETE FROM keyframes WHERE record = ? AND sequence < ?");
  if (!keyframes) return keyframes.error();
  keyframes->bind(0, static_cast<std::uint64_t>(record)).bind(1, cut);
  if (auto done = keyframes->step(); !done) return done.error();
  return rows;
}

}  // namespace

Result<bool> trim_some(Database& database, const Retention& retention, Timestamp now) {
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(retention.age);
  const Limits limits{retention, Timestamp{now.ms - age.count()}};
  for (const Record record : {Record::story, Record::analytics}) {
    const auto cut = find_cut(database, record, limits);
    if (!cut) return cut.error();
    if (*cut == 0) continue;
    if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun.error();
    const auto rows = forget(database, record, *cut);
    const auto ended = rows ? database.run("COMMIT") : Result<void>(rows.error());
    if (!ended) {
      database.roll_back();
      return ended.error();
    }
    if (*rows > 0) return true;
  }
  return false;
}

}  // namespace callboard::server
