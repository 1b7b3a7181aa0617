#include "server/verify.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/text.h"
#include "server/board/board.h"
#include "server/board/merged_document.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/operation_rows.h"

namespace callboard::server {
namespace {

struct Keyframe {
  std::uint64_t record = 0;
  std::uint64_t sequence = 0;
};

Error damaged(const std::string& what) {
  return {Outcome::failed,
          "the board's database is damaged: " + what + "; `serve --restore` begins with a backup"};
}

std::string name_of(const Keyframe& keyframe) {
  return fmt::format("{}@{}",
                     keyframe.record == static_cast<std::uint64_t>(Record::story) ? "story" : "analytics",
                     keyframe.sequence);
}

Result<void> check_pages(Database& database) {
  auto statement = database.prepare("PRAGMA quick_check(1)");
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return damaged(row.error().text);
  const std::string found(*row ? statement->text(0) : "nothing");
  return found == "ok" ? Result<void>() : Result<void>(damaged(escaped(found, 256)));
}

Result<std::uint64_t> check_snapshot(Database& database) {
  auto statement = database.prepare("SELECT sequence, state FROM snapshot");
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return row.error();
  if (!*row) return std::uint64_t{0};
  const auto board = Board::decoded(statement->blob(1));
  if (!board) return damaged("snapshot " + std::to_string(statement->u64(0)) + ": " + board.error().text);
  return statement->u64(0);
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
    keyframes.push_back({statement->u64(0), statement->u64(1)});
  }
}

// The document of the newest keyframe up to there, and which one that is; 0: there is none.
Result<std::pair<MergedDocument, std::uint64_t>> document_before(Database& database, const Keyframe& keyframe,
                                                                 std::uint64_t until) {
  auto statement = database.prepare(
      "SELECT sequence, state FROM keyframes WHERE record = ? AND sequence <= ? ORDER BY sequence DESC LIMIT "
      "1");
  if (!statement) return statement.error();
  statement->bind(0, keyframe.record).bind(1, until);
  auto row = statement->step();
  if (!row) return row.error();
  if (!*row) return std::pair{MergedDocument(), std::uint64_t{0}};
  ByteReader reader(statement->blob(1));
  auto document = MergedDocument::from(reader);
  if (!document || !reader.finished())
    return damaged(name_of({keyframe.record, statement->u64(0)}) + " cannot be read");
  return std::pair{std::move(*document), statement->u64(0)};
}

Bytes bytes_of(const MergedDocument& document) {
  Bytes bytes;
  ByteWriter writer(bytes);
  document.append_to(writer);
  return bytes;
}

// How many operations made it; 0: it was forgotten meanwhile.
Result<std::uint64_t> check_keyframe(Database& database, const Keyframe& keyframe) {
  auto kept = document_before(database, keyframe, keyframe.sequence);
  if (!kept) return kept.error();
  auto made = document_before(database, keyframe, keyframe.sequence - 1);
  if (!made) return made.error();
  if (kept->second != keyframe.sequence || made->second == 0) return std::uint64_t{0};
  auto statement = database.prepare(
      std::string("SELECT ") + kOperationColumns +
      " FROM operations WHERE sequence > ? AND sequence <= ? AND record = ? ORDER BY sequence");
  if (!statement) return statement.error();
  statement->bind(0, made->second).bind(1, keyframe.sequence).bind(2, keyframe.record);
  std::uint64_t operations = 0;
  for (;; ++operations) {
    auto row = statement->step();
    if (!row) return row.error();
    if (!*row) break;
    auto committed = operation_of(*statement);
    if (!committed) return damaged(committed.error().text);
    if (auto sound = read_edits(committed->operation); !sound)
      return damaged(fmt::format("operation {}: {}", committed->sequence, sound.error().text));
    made->first.apply(committed->sequence, committed->operation);
  }
  if (bytes_of(kept->first) == bytes_of(made->first)) return operations;
  return damaged(name_of(keyframe) + " is not what its operations make of the one before");
}

}  // namespace

Result<Verified> verify(const std::filesystem::path& data, const std::string& project, std::uint64_t sample,
                        const std::stop_token& stop) {
  const auto file = data / folder_name(project) / "board.sqlite";
  auto database = Database::open_reader(file);
  if (!database) return database.error();
  if (auto sound = check_pages(*database); !sound) return sound.error();
  Verified verified;
  const auto snapshot = check_snapshot(*database);
  if (!snapshot) return snapshot.error();
  verified.snapshot_sequence = *snapshot;
  const auto pages = database->number("PRAGMA page_count");
  const auto page_bytes = database->number("PRAGMA page_size");
  if (pages && page_bytes) verified.size_bytes = static_cast<std::uint64_t>(*pages * *page_bytes);
  const auto keyframes = sample_of(*database, sample);
  if (!keyframes) return keyframes.error();
  for (const Keyframe& each : *keyframes) {
    if (stop.stop_requested()) return Error{Outcome::cancelled, "verify: nobody waits for it"};
    // One moment for all three; a long one would keep the write-ahead log from being emptied.
    if (auto begun = database->run("BEGIN"); !begun) return begun.error();
    const auto operations = check_keyframe(*database, each);
    database->roll_back();
    if (!operations) return operations.error();
    if (*operations > 0) ++verified.keyframes;
    verified.operations += *operations;
  }
  return verified;
}

}  // namespace callboard::server
