#include "server/store/sqlite_history.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/limits.h"
#include "server/store/document_rows.h"
#include "server/store/operation_rows.h"

namespace callboard::server {
namespace {

// The database's integers are signed.
constexpr auto kLast = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

Error not_kept(std::uint64_t number) {
  return Error{Outcome::not_found,
               "revision " + std::to_string(number) + ": there was none, or it is no longer kept"};
}

bool is_partly(const MergedDocument::Effect& effect) { return effect.changed && !effect.stands; }

Revision revision_of(const Committed& committed, const MergedDocument::Effect& effect) {
  const Operation& operation = committed.operation;
  return {committed.sequence,      operation.session,
          operation.user,          operation.timestamp,
          operation.base,          effect.stands,
          operation.value->size(), document::pointer_text(document::common_path(*operation.edits)),
          operation.settles,       operation.edits->size(),
          is_partly(effect)};
}

document::Growth with_edits_of(const Operation& operation, const document::ValuePtr& before) {
  document::Growth growth;
  if (before != nullptr) growth.apply({document::Edit::Kind::set, {}, before, {}});
  growth.apply(*operation.edits);
  return growth;
}

}  // namespace

Result<std::unique_ptr<SqliteHistory>> SqliteHistory::open(const std::filesystem::path& file) {
  auto database = Database::open_reader(file);
  if (!database) return database.error();
  return std::unique_ptr<SqliteHistory>(new SqliteHistory(std::move(*database)));
}

Result<std::unique_ptr<SqliteHistory>> SqliteHistory::open_as_left(const std::filesystem::path& file,
                                                                   std::shared_lock<std::shared_mutex> gate) {
  auto database = Database::open_as_left(file);
  if (!database) return database.error();
  return std::unique_ptr<SqliteHistory>(new SqliteHistory(std::move(*database), std::move(gate)));
}

Result<Version> SqliteHistory::folded(Record record, std::uint64_t number) {
  if (number == 0 || number > kLast) return not_kept(number);
  // A keyframe of the revision itself does not say whether it stood.
  auto base = kept_document(database_, record, number - 1);
  if (!base) return base.error();
  Version version;
  std::optional<Operation> lost;
  const auto read = for_each_of_document(
      database_, record, base->sequence + 1, number, [&](Committed committed) -> Result<void> {
        const document::ValuePtr before = base->document.root();
        const auto effect = base->document.apply(committed.sequence, committed.operation);
        if (committed.sequence != number) return {};
        version.revision = revision_of(committed, effect);
        version.value = version.written = base->document.root();
        if (effect.stands) return {};
        const document::Growth written = with_edits_of(committed.operation, before);
        version.written = written.root();
        if (!written.shows(*committed.operation.edits)) lost = committed.operation;
        return {};
      });
  if (!read) return read.error();
  if (lost && lost->base != 0) {
    // What held its place was gone as it came: it is in what it was made of.
    const auto seen = document_at(record, lost->base);
    if (seen) version.written = with_edits_of(*lost, *seen).root();
  }
  if (!version.revision.stands && !version.revision.is_partly) version.value = version.written;
  if (version.revision.number == 0) version.value = base->document.root();
  return version;
}

Result<Version> SqliteHistory::version(Record record, std::uint64_t number) {
  auto version = folded(record, number);
  if (!version) return version;
  if (version->revision.number == 0 || version->value == nullptr) return not_kept(number);
  return version;
}

Result<document::ValuePtr> SqliteHistory::document_at(Record record, std::uint64_t number) {
  auto base = kept_document(database_, record, number);
  if (!base) return base.error();
  const auto read = for_each_of_document(database_, record, base->sequence + 1, number,
                                         [&](Committed committed) -> Result<void> {
                                           base->document.apply(committed.sequence, committed.operation);
                                           return {};
                                         });
  if (!read) return read.error();
  if (base->document.root() == nullptr) return not_kept(number);
  return base->document.root();
}

// One that looks for changes of a place has to look at more than it lists.
Result<SqliteHistory::Reach> SqliteHistory::reach_of(const HistoryQuery& query) {
  auto statement = database_.prepare(
      "SELECT min(sequence), count(*) FROM (SELECT sequence FROM operations WHERE record = ? AND sequence < "
      "? "
      "AND timestamp >= ? ORDER BY sequence DESC LIMIT ?)");
  if (!statement) return statement.error();
  const std::uint64_t looked_at = query.at.empty() ? query.count : query.looked_at;
  statement->bind(0, static_cast<std::uint64_t>(query.record))
      .bind(1, query.before == 0 ? kLast : std::min(query.before, kLast))
      .bind(2, query.since.ms)
      .bind(3, looked_at);
  auto row = statement->step();
  if (!row) return row.error();
  return Reach{statement->u64(0), statement->u64(1) == looked_at};
}

Result<Listing> SqliteHistory::list(const HistoryQuery& query) {
  const auto reach = reach_of(query);
  if (!reach) return reach.error();
  Listing listing;
  if (reach->oldest == 0) return listing;
  auto base = kept_document(database_, query.record, reach->oldest - 1);
  if (!base) return base.error();
  const std::uint64_t last = query.before == 0 ? kLast : query.before - 1;
  std::vector<Revision>& found = listing.revisions;
  const auto read = for_each_of_document(
      database_, query.record, base->sequence + 1, last, [&](Committed committed) -> Result<void> {
        const document::ValuePtr before = base->document.root();
        const auto effect = base->document.apply(committed.sequence, committed.operation);
        const bool is_asked =
            committed.sequence >= reach->oldest && committed.operation.timestamp >= query.since;
        if (!is_asked) return {};
        const bool is_listed = query.at.empty() ||
                               !document::equal(document::find(before, query.at),
                                                document::find(base->document.root(), query.at)) ||
                               (!effect.stands && is_about(committed.operation, query.at, before));
        if (is_listed) found.push_back(revision_of(committed, effect));
        return {};
      });
  if (!read) return read.error();
  std::reverse(found.begin(), found.end());
  if (found.size() > query.count) {
    found.resize(query.count);
  } else if (!query.at.empty() && reach->is_limited) {
    listing.looked_to = reach->oldest;
  }
  return listing;
}

Result<void> SqliteHistory::visit_operations(Record record, const std::vector<UniqueId>& ids,
                                             const std::function<void(const Committed&)>& visit) {
  auto statement = database_.prepare(std::string("SELECT ") + kOperationColumns +
                                     " FROM operations WHERE id = ? AND record = ?");
  if (!statement) return statement.error();
  for (const UniqueId id : ids) {
    const Bytes key = bytes_of(id);
    statement->reset();
    statement->bind(0, ByteView(key)).bind(1, static_cast<std::uint64_t>(record));
    const auto read = for_each_operation(*statement, [&visit](Committed committed) -> Result<void> {
      if (auto sound = read_edits(committed.operation); !sound) return sound.error();
      visit(committed);
      return {};
    });
    if (!read) return read.error();
  }
  return {};
}

// They are found by going through the changes of all records, which the retention keeps from being many.
Result<void> SqliteHistory::visit_record(const std::string& path, std::uint64_t last,
                                         const std::function<void(const Committed&)>& visit) {
  static_assert(static_cast<int>(Record::record) == 4);
  auto statement =
      database_.prepare(std::string("SELECT ") + kOperationColumns +
                        " FROM operations WHERE record = 4 AND sequence <= ? AND path = ? ORDER BY sequence");
  if (!statement) return statement.error();
  statement->bind(0, std::min(last, kLast)).bind(1, std::string_view(path));
  return for_each_operation(*statement, [&visit](Committed committed) -> Result<void> {
    if (auto sound = read_edits(committed.operation); !sound) return sound.error();
    visit(committed);
    return {};
  });
}

// The number of the record stands in the statements: else the index of the audit is of no use to them.
Result<AuditListing> SqliteHistory::audit(std::uint64_t since, std::size_t count) {
  static_assert(static_cast<int>(Record::audit) == 5);
  const auto last = database_.number("SELECT max(sequence) FROM operations WHERE record = 5");
  if (!last) return last.error();
  auto statement =
      database_.prepare(std::string("SELECT ") + kOperationColumns +
                        " FROM operations WHERE record = 5 AND sequence > ? ORDER BY sequence LIMIT ?");
  if (!statement) return statement.error();
  statement->bind(0, std::min(since, kLast)).bind(1, std::uint64_t{count});
  AuditListing listing;
  listing.last = static_cast<std::uint64_t>(*last);
  for (;;) {
    auto row = statement->step();
    if (!row) return row.error();
    if (!*row) return listing;
    const auto committed = server::operation_of(*statement);
    if (!committed) return committed.error();
    listing.entries.push_back(audit_entry_of(committed->sequence, committed->operation));
  }
}

}  // namespace callboard::server
