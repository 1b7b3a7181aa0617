#include "server/store/verify.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "server/board/board.h"
#include "server/board/merged_document.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/document_rows.h"
#include "server/store/snapshot_rows.h"

namespace callboard::server {
namespace {

struct Keyframe {
  Record record = Record::story;
  std::uint64_t sequence = 0;
};

Error broken(std::string text) { return {Outcome::failed, std::move(text)}; }

std::string name_of(const Keyframe& keyframe) {
  return (keyframe.record == Record::story ? "story@" : "analytics@") + std::to_string(keyframe.sequence);
}

// What SQLite finds is several lines, the first of which names the database.
std::string on_one_line(std::string_view found) {
  std::string line;
  while (!found.empty()) {
    const std::size_t end = std::min(found.find('\n'), found.size());
    const std::string_view each = found.substr(0, end);
    found.remove_prefix(std::min(end + 1, found.size()));
    if (each.empty() || each.starts_with("***")) continue;
    line += (line.empty() ? "" : "; ") + std::string(each);
  }
  return line;
}

Result<void> check_pages(Database& database) {
  auto statement = database.prepare("PRAGMA quick_check(1)");
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return row.error();
  const std::string found(*row ? statement->text(0) : "nothing");
  return found == "ok" ? Result<void>() : Result<void>(broken(escaped(on_one_line(found), 256)));
}

Result<std::uint64_t> check_snapshot(Database& database) {
  const auto snapshot = newest_snapshot(database);
  if (!snapshot) return snapshot.error();
  if (snapshot->sequence == 0 && snapshot->state.empty()) return std::uint64_t{0};
  const auto board = Board::decoded(snapshot->state);
  if (!board) return board.error().prefixed("snapshot " + std::to_string(snapshot->sequence));
  return snapshot->sequence;
}

// Those that have one before them to be made of.
Result<std::vector<Keyframe>> sample_of(Database& database, std::uint64_t sample) {
  auto statement = database.prepare(
      "SELECT record, sequence FROM keyframes AS k WHERE sequence > (SELECT min(sequence) FROM keyframes "
      "WHERE record = k.record) ORDER BY random() LIMIT ?");
  if (!statement) return statement.error();
  statement->bind(0, sample);
  std::vector<Keyframe> keyframes;
  for (;;) {
    auto row = statement->step();
    if (!row) return row.error();
    if (!*row) return keyframes;
    keyframes.push_back({static_cast<Record>(statement->u64(0)), statement->u64(1)});
  }
}

Bytes bytes_of(const MergedDocument& document) {
  Bytes bytes;
  ByteWriter writer(bytes);
  document.append_to(writer);
  return bytes;
}

// How many operations made it; 0: it was forgotten meanwhile.
Result<std::uint64_t> check_keyframe(Database& database, const Keyframe& keyframe) {
  const auto kept = kept_document(database, keyframe.record, keyframe.sequence);
  if (!kept) return kept.error();
  auto made = kept_document(database, keyframe.record, keyframe.sequence - 1);
  if (!made) return made.error();
  if (kept->sequence != keyframe.sequence || made->sequence == 0) return std::uint64_t{0};
  std::uint64_t operations = 0;
  const auto read = for_each_of_document(database, keyframe.record, made->sequence + 1, keyframe.sequence,
                                         [&](Committed committed) -> Result<void> {
                                           ++operations;
                                           made->document.apply(committed.sequence, committed.operation);
                                           return {};
                                         });
  if (!read) return read.error();
  if (bytes_of(kept->document) == bytes_of(made->document)) return operations;
  return broken(name_of(keyframe) + " is not what its operations make of the one before");
}

Result<Verified> verified(Database& database, std::uint64_t sample, const std::stop_token& stop) {
  Verified verified;
  const auto snapshot = check_snapshot(database);
  if (!snapshot) return snapshot.error();
  verified.snapshot_sequence = *snapshot;
  const auto pages = database.number("PRAGMA page_count");
  const auto page_bytes = database.number("PRAGMA page_size");
  if (pages && page_bytes) verified.size_bytes = static_cast<std::uint64_t>(*pages * *page_bytes);
  const auto keyframes = sample_of(database, sample);
  if (!keyframes) return keyframes.error();
  for (const Keyframe& each : *keyframes) {
    if (stop.stop_requested()) return broken("stopped");
    // One moment for all three; a long one would keep the write-ahead log from being emptied.
    if (auto begun = database.run("BEGIN"); !begun) return begun.error();
    auto operations = check_keyframe(database, each);
    if (!operations) return operations.error();
    database.roll_back();
    if (*operations > 0) ++verified.keyframes;
    verified.operations += *operations;
  }
  return verified;
}

}  // namespace

Result<Verified> verify(const std::filesystem::path& data, const std::string& project, std::uint64_t sample,
                        const std::stop_token& stop, const std::function<void(const Error&)>& on_unreadable) {
  const auto unreadable = [&](const Error& why) {
    if (on_unreadable) on_unreadable(why);
    return why;
  };
  auto database = Database::open_reader(data / folder_name(project) / kBoardFile);
  if (!database)
    return database.error().outcome == Outcome::failed ? unreadable(database.error()) : database.error();
  database->heed(stop);
  const auto pages = check_pages(*database);
  auto found = pages ? verified(*database, sample, stop) : Result<Verified>(pages.error());
  if (stop.stop_requested()) return Error{Outcome::cancelled, "verify: nobody waits for it"};
  if (found) return found;
  const bool is_unreadable = database->is_unreadable();
  if (database->was_hindered() && !is_unreadable) return found.error().prefixed("verify");
  const Error why = broken("the board's database is damaged: " + found.error().text +
                           "; `serve --restore` begins with a backup");
  return !pages || is_unreadable ? unreadable(why) : why;
}

}  // namespace callboard::server
