#include "server/store/trimmer.h"

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <limits>

#include "base/limits.h"

namespace callboard::server {
namespace {

// Changes of records that are kept though they are in the snapshot: what a counter that is changed all day says in some days.
constexpr std::int64_t kRecordOperationsKept = 100'000;
// Entries of the audit, 300 bytes each: what 200 people who come three times a day fill in a year.
constexpr std::int64_t kAuditEntriesKept = 200'000;
constexpr std::uint64_t kEverything = std::numeric_limits<std::int64_t>::max();

// Of the first row, or `otherwise` when there is none.
Result<std::uint64_t> first(Database& database, const char* sql, std::uint64_t otherwise,
                            std::initializer_list<std::int64_t> values) {
  auto statement = database.prepare(sql);
  if (!statement) return statement.error();
  int index = 0;
  for (const std::int64_t value : values) statement->bind(index++, value);
  auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->u64(0) : otherwise;
}

// Everything in the file is at least what the values in it are: while that is not too much, nothing has to be summed up.
Result<bool> may_be_too_much(Database& database, std::uint64_t size_bytes) {
  const auto pages = database.number("PRAGMA page_count");
  if (!pages) return pages.error();
  const auto free_pages = database.number("PRAGMA freelist_count");
  if (!free_pages) return free_pages.error();
  const auto page_bytes = database.number("PRAGMA page_size");
  if (!page_bytes) return page_bytes.error();
  return static_cast<std::uint64_t>((*pages - *free_pages) * *page_bytes) > size_bytes;
}

// The newest operation with which those after it are too much; 0: there is not too much at all.
Result<std::uint64_t> first_too_much(Database& database, std::int64_t record, std::uint64_t size_bytes) {
  const auto may_be = may_be_too_much(database, size_bytes);
  if (!may_be) return may_be.error();
  if (!*may_be) return std::uint64_t{0};
  auto statement = database.prepare(
      "SELECT sequence, length(value) FROM operations WHERE record = ? ORDER BY sequence DESC");
  if (!statement) return statement.error();
  statement->bind(0, record);
  std::uint64_t kept_bytes = 0;
  for (;;) {
    auto row = statement->step();
    if (!row) return row.error();
    if (!*row) return std::uint64_t{0};
    kept_bytes += statement->u64(1);
    if (kept_bytes > size_bytes) return statement->u64(0);
  }
}

// The keyframe of the fewest operations after which there is not too much; 0: there is not too much at all.
Result<std::uint64_t> cut_by_size(Database& database, std::int64_t record, std::uint64_t size_bytes) {
  const auto too_much = first_too_much(database, record, size_bytes);
  if (!too_much || *too_much == 0) return too_much;
  return first(database,
               "SELECT sequence FROM keyframes WHERE record = ? AND sequence >= ? ORDER BY sequence LIMIT 1",
               kEverything, {record, static_cast<std::int64_t>(*too_much)});
}

// The newest keyframe up to which everything may go; 0 for none. What is too old ends where the first operation is that is
// not; each step reads what goes, or the few that stay in any case, never all of a long history.
Result<std::uint64_t> find_cut(Database& database, std::int64_t record, const Retention& retention,
                               Timestamp oldest) {
  const auto some = first(database, "SELECT min(sequence) FROM keyframes WHERE record = ?", 0, {record});
  if (!some || *some == 0) return some;
  const auto young =
      first(database,
            "SELECT sequence FROM operations WHERE record = ? AND timestamp >= ? ORDER BY sequence LIMIT 1",
            kEverything, {record, oldest.ms});
  if (!young) return young;
  const auto too_much = cut_by_size(database, record, retention.size_bytes);
  if (!too_much) return too_much;
  const std::uint64_t until = std::max(*young - 1, *too_much);
  if (until < *some) return std::uint64_t{0};
  std::uint64_t kept = kEverything;
  if (retention.revisions > 0) {
    const auto newest = first(
        database, "SELECT sequence FROM operations WHERE record = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?",
        1, {record, static_cast<std::int64_t>(retention.revisions - 1)});
    if (!newest) return newest;
    kept = *newest;
  }
  return first(database,
               "SELECT max(sequence) FROM keyframes WHERE record = ? AND sequence <= ? AND sequence < ? AND "
               "sequence <= (SELECT sequence FROM snapshot)",
               0, {record, static_cast<std::int64_t>(until), static_cast<std::int64_t>(kept)});
}

// Of records a start needs the snapshot and what came after it; the rest is history. There is an index of them, by number.
Result<std::uint64_t> find_records_cut(Database& database, const Retention& retention, Timestamp oldest) {
  static_assert(static_cast<int>(Record::record) == 4);
  const auto young =
      first(database,
            "SELECT sequence FROM operations WHERE record = 4 AND timestamp >= ? ORDER BY sequence LIMIT 1",
            kEverything, {oldest.ms});
  if (!young) return young;
  const auto beyond = first(
      database, "SELECT sequence FROM operations WHERE record = 4 ORDER BY sequence DESC LIMIT 1 OFFSET ?", 0,
      {kRecordOperationsKept});
  if (!beyond) return beyond;
  // States of tasks are written whole with every call: ten thousand of the largest are 2.5 GiB.
  const auto too_much =
      first_too_much(database, static_cast<std::int64_t>(Record::record), retention.size_bytes);
  if (!too_much) return too_much;
  return first(database, "SELECT min(sequence, ?) FROM snapshot", 0,
               {static_cast<std::int64_t>(std::max({*young - 1, *beyond, *too_much}))});
}

Result<std::uint64_t> find_audit_cut(Database& database, Timestamp oldest) {
  static_assert(static_cast<int>(Record::audit) == 5);
  const auto young =
      first(database,
            "SELECT sequence FROM operations WHERE record = 5 AND timestamp >= ? ORDER BY sequence LIMIT 1",
            kEverything, {oldest.ms});
  if (!young) return young;
  const auto beyond = first(
      database, "SELECT sequence FROM operations WHERE record = 5 ORDER BY sequence DESC LIMIT 1 OFFSET ?", 0,
      {kAuditEntriesKept});
  if (!beyond) return beyond;
  return first(database, "SELECT min(sequence, ?) FROM snapshot", 0,
               {static_cast<std::int64_t>(std::max(*young - 1, *beyond))});
}

// What people did to others, and to keys, stays. In a text within the JSON the quotes would be escaped. The
// number of the record stands in the statement: else its index is of no use.
constexpr const char* kForgetComers =
    "DELETE FROM operations WHERE sequence IN (SELECT sequence FROM operations WHERE record = 5 AND "
    "(instr(CAST(value AS TEXT), '\"what\":\"let_in\"') OR instr(CAST(value AS TEXT), "
    "'\"what\":\"refused\"')) AND record = ? AND sequence <= ? ORDER BY sequence LIMIT ?)";

Result<int> forget(Database& database, Record record, std::uint64_t cut) {
  auto operations = database.prepare(
      record == Record::audit
          ? kForgetComers
          : "DELETE FROM operations WHERE sequence IN (SELECT sequence FROM operations WHERE record = ? AND "
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

Result<Cuts> find_cuts(Database& database, const Retention& retention, Timestamp now) {
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(retention.age);
  const Timestamp oldest{now.ms - age.count()};
  Cuts cuts{Cut{Record::story}, Cut{Record::analytics}, Cut{Record::record}, Cut{Record::audit}};
  for (Cut& each : cuts) {
    const auto found = is_document(each.record)
                           ? find_cut(database, static_cast<std::int64_t>(each.record), retention, oldest)
                       : each.record == Record::record ? find_records_cut(database, retention, oldest)
                                                       : find_audit_cut(database, oldest);
    if (!found) return found.error();
    each.sequence = *found;
  }
  return cuts;
}

Result<std::uint64_t> trim_some(Database& database, const Cuts& cuts) {
  for (const Cut& cut : cuts) {
    if (cut.sequence == 0) continue;
    if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun.error();
    const auto rows = forget(database, cut.record, cut.sequence);
    const auto ended = rows ? database.run("COMMIT") : Result<void>(rows.error());
    if (!ended) {
      database.roll_back();
      return ended.error();
    }
    if (*rows > 0) return static_cast<std::uint64_t>(*rows);
  }
  return std::uint64_t{0};
}

}  // namespace callboard::server
