// What the log keeps of the documents: versions, listings, retention, backups, and databases of older programs.
#include <unistd.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <optional>

#include "base/document/json_patch.h"
#include "base/document/parse.h"
#include "base/limits.h"
#include "server/backup.h"
#include "server/board/audit_entry.h"
#include "server/board/recovery.h"
#include "server/store/board_files.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/sqlite_log.h"
#include "tests/unit/server/log_inbox.h"
#include "tests/unit/server/operations.h"
#include "tests/unit/server/small_disk.h"
#include "tests/unit/server/studio.h"
#include "tests/unit/server/temporary_folder.h"

namespace callboard::history_test {
using namespace callboard::server;

namespace {

constexpr const char* kProject = "Moria's Race";

// A log whose answers run in the test's own thread, and the board that is folded from it.
class Shelf {
 public:
  explicit Shelf(const TemporaryFolder& folder) : log(open_log(folder, inbox)) {
    log->on_commit(
        [this](const Committed& committed) { board.apply(committed.sequence, committed.operation); });
  }

  std::uint64_t write(OperationLike like) { return append(make_operation(std::move(like))); }
  std::uint64_t append(const Operation& operation) { return append_all({operation}); }
  // Together on their way to the disk.
  std::uint64_t append_all(const std::vector<Operation>& operations) {
    std::vector<Result<Appended>> answers;
    for (const Operation& each : operations)
      log->append(each, [&](Result<Appended> result) { answers.push_back(std::move(result)); });
    inbox.run_until([&] { return answers.size() == operations.size(); });
    for (const auto& each : answers) REQUIRE(each);
    return answers.back()->sequence;
  }
  void keyframe() {
    const auto encode = [document = board.document(Record::story)] {
      Bytes bytes;
      ByteWriter writer(bytes);
      document.append_to(writer);
      return bytes;
    };
    bool is_done = false;
    log->keyframe(Record::story, board.sequence(), encode,
                  [&](const Result<void>& made) { is_done = made.has_value(); });
    inbox.run_until([&] { return is_done; });
  }
  void snapshot() {
    bool is_done = false;
    log->snapshot(
        board.sequence(), [copy = board] { return copy.encoded(); },
        [&](const Result<void>& made) { is_done = made.has_value(); });
    inbox.run_until([&] { return is_done; });
  }
  void trim(const Retention& retention, Timestamp now) {
    bool is_done = false;
    log->trim(retention, now, [&](const Result<std::uint64_t>& made) {
      is_done = made.has_value();
      if (made) forgotten = *made;
    });
    inbox.run_until([&] { return is_done; });
  }
  std::unique_ptr<History> history() {
    auto opened = log->open_history();
    REQUIRE(opened);
    return std::move(*opened);
  }

  Board board;
  Inbox inbox;
  std::unique_ptr<SqliteLog> log;
  std::uint64_t forgotten = 0;  // By the last trim().
};

std::string text(const Result<Version>& version) {
  return version ? document::print(*version->value) : version.error().text;
}

std::vector<std::uint64_t> numbers(const Result<Listing>& listed) {
  REQUIRE(listed);
  std::vector<std::uint64_t> result;
  for (const Revision& each : listed->revisions) result.push_back(each.number);
  return result;
}

// Three revisions, and one that came too late to stand.
void write_four(Shelf& shelf) {
  shelf.write({.id = 1, .timestamp_ms = 1000, .value = R"({"title":"a","scenes":[{"id":1,"note":"x"}]})"});
  shelf.write({.id = 2,
               .session = 2,
               .timestamp_ms = 2000,
               .value = R"([{"path":["scenes",["id","1"],"note"],"value":"y"}])",
               .base = 1});
  shelf.write({.id = 3,
               .session = 2,
               .timestamp_ms = 3000,
               .value = R"([{"path":["title"],"value":"b"}])",
               .base = 2});
  shelf.write({.id = 4, .session = 3, .timestamp_ms = 500, .value = R"("too late")"});
}

}  // namespace

TEST_CASE("every version of a document is what its author had made of it") {
  const bool has_keyframe = GENERATE(false, true);
  INFO("keyframe=" << has_keyframe);
  TemporaryFolder folder;
  Shelf shelf(folder);
  write_four(shelf);
  if (has_keyframe) shelf.keyframe();
  shelf.write({.id = 5, .timestamp_ms = 5000, .record = Record::messages, .value = "hello"});
  const auto history = shelf.history();
  CHECK(text(history->version(Record::story, 1)) == R"({"title":"a","scenes":[{"id":1,"note":"x"}]})");
  CHECK(text(history->version(Record::story, 2)) == R"({"title":"a","scenes":[{"id":1,"note":"y"}]})");
  CHECK(text(history->version(Record::story, 3)) == R"({"title":"b","scenes":[{"id":1,"note":"y"}]})");
  CHECK(text(history->version(Record::story, 4)) == R"("too late")");
  CHECK_FALSE(history->version(Record::story, 4)->revision.stands);
  CHECK(history->version(Record::story, 3)->revision.user == "user 2");
  for (const std::uint64_t none : {0u, 5u, 6u}) {
    CHECK(history->version(Record::story, none).error().outcome == Outcome::not_found);
  }
  CHECK_FALSE(history->version(Record::analytics, 1));
  CHECK(document::print(**history->document_at(Record::story, 5)) ==
        R"({"title":"b","scenes":[{"id":1,"note":"y"}]})");
}

TEST_CASE("what stands in part is what the document became by it, and what was written is kept beside that") {
  const bool has_keyframe = GENERATE(false, true);
  TemporaryFolder folder;
  Shelf shelf(folder);
  const auto edits = [&](std::uint64_t id, std::int64_t ms, const std::string& value) {
    shelf.write({.id = id, .session = id, .timestamp_ms = ms, .value = value, .base = id == 1 ? 0u : 1u});
  };
  edits(1, 1000, R"({"a":0,"b":0})");
  edits(2, 3000, R"([{"path":["a"],"value":"pia"}])");
  if (has_keyframe) shelf.keyframe();
  edits(3, 2000, R"([{"path":["a"],"value":"dan"},{"path":["b"],"value":"dan"}])");
  edits(4, 1500, R"([{"path":["a"],"value":"too late"}])");
  const auto history = shelf.history();
  const auto part = history->version(Record::story, 3);
  CHECK(text(part) == R"({"a":"pia","b":"dan"})");
  CHECK(document::print(*part->written) == R"({"a":"dan","b":"dan"})");
  CHECK_FALSE(part->revision.stands);
  CHECK(part->revision.is_partly);
  const auto none = history->version(Record::story, 4);
  CHECK(text(none) == R"({"a":"too late","b":"dan"})");
  CHECK_FALSE(none->revision.is_partly);
  const auto listed = history->list({.count = 10});
  REQUIRE(numbers(listed) == std::vector<std::uint64_t>{4, 3, 2, 1});
  CHECK(listed->revisions[1].is_partly);
  CHECK_FALSE(listed->revisions[0].is_partly);
  CHECK_FALSE(listed->revisions[2].is_partly);
}

TEST_CASE("the history is listed newest first, by place, time and number") {
  TemporaryFolder folder;
  Shelf shelf(folder);
  write_four(shelf);
  const auto history = shelf.history();
  HistoryQuery query{.count = 10};
  const auto all = history->list(query);
  CHECK(numbers(all) == std::vector<std::uint64_t>{4, 3, 2, 1});
  CHECK_FALSE(all->revisions[0].stands);
  CHECK(all->revisions[1].at == "/title");
  CHECK(all->revisions[2].at == "/scenes/id=1/note");
  CHECK(all->revisions[2].base == 1);
  CHECK(all->revisions[3].at.empty());

  query.at = {"scenes", "1"};
  CHECK(numbers(history->list(query)) == std::vector<std::uint64_t>{2, 1});
  query.at = {};
  query.since = Timestamp{2000};
  CHECK(numbers(history->list(query)) == std::vector<std::uint64_t>{3, 2});
  query.since = {};
  query.before = 3;
  query.count = 1;
  CHECK(numbers(history->list(query)) == std::vector<std::uint64_t>{2});
  query.record = Record::analytics;
  CHECK(numbers(history->list(query)).empty());
}

TEST_CASE("a change that was lost is listed for its place, however that is said") {
  TemporaryFolder folder;
  Shelf shelf(folder);
  shelf.write({.id = 1,
               .timestamp_ms = 1000,
               .value = R"({"scenes":[{"id":7,"note":"x"},{"id":"Gate","note":"x"}],"log":[1,2]})"});
  const auto edit = [&](std::uint64_t id, std::int64_t timestamp_ms, const std::string& path,
                        const std::string& json) {
    shelf.write({.id = id,
                 .session = id,
                 .timestamp_ms = timestamp_ms,
                 .value = R"([{"path":)" + path + R"(,"value":)" + json + "}]",
                 .base = 1});
  };
  edit(2, 9000, R"(["scenes",["id","7"],"note"])", R"("y")");
  edit(3, 2000, R"(["scenes",["id","7"],"note"])", R"("lost")");
  edit(4, 9000, R"(["log"])", "[1,3]");
  edit(5, 2000, R"(["log"])", "[1,4]");
  edit(6, 9000, R"(["scenes",["id","\"Gate\""],"note"])", R"("y")");
  edit(7, 2000, R"(["scenes",["id","\"Gate\""],"note"])", R"("lost")");
  const auto history = shelf.history();
  const auto listed = [&](const document::Tokens& at) {
    HistoryQuery query{.at = at, .count = 10};
    return numbers(history->list(query));
  };
  using Numbers = std::vector<std::uint64_t>;
  CHECK(listed({"scenes", "0", "note"}) == Numbers{3, 2, 1});
  CHECK(listed({"scenes", "id=7", "note"}) == Numbers{3, 2, 1});
  CHECK(listed({"scenes", "7"}) == Numbers{3, 2, 1});
  CHECK(listed({"scenes", "1"}) == Numbers{7, 6, 1});
  CHECK(listed({"scenes", "id=Gate"}) == Numbers{7, 6, 1});
  CHECK(listed({"scenes", "Gate", "note"}) == Numbers{7, 6, 1});
  CHECK(listed({"log"}) == Numbers{5, 4, 1});
  // An index, though there is an element of that id.
  shelf.write({.id = 8, .timestamp_ms = 9500, .value = R"({"scenes":[{"id":1},{"id":2}]})"});
  shelf.write({.id = 9,
               .session = 9,
               .timestamp_ms = 9400,
               .value = R"([{"path":["scenes",["id","1"],"note"],"value":"lost"}])",
               .base = 8});
  CHECK(listed({"scenes", "1"}) == Numbers{8, 7, 6, 1});
  CHECK(listed({"scenes", "id=1"}) == Numbers{9, 8});
}

TEST_CASE("a listing that has not looked at everything says where to go on") {
  TemporaryFolder folder;
  Shelf shelf(folder);
  write_four(shelf);
  const auto history = shelf.history();
  HistoryQuery query{.at = {"title"}, .count = 10, .looked_at = 2};
  std::vector<std::uint64_t> found;
  std::vector<std::uint64_t> looked_to;
  do {
    const auto listed = history->list(query);
    for (const std::uint64_t each : numbers(listed)) found.push_back(each);
    looked_to.push_back(query.before = listed->looked_to);
  } while (query.before != 0);
  CHECK(found == std::vector<std::uint64_t>{3, 1});
  CHECK(looked_to == std::vector<std::uint64_t>{3, 1, 0});
  // One that lists as many as it may goes on behind the last.
  query = {.at = {"title"}, .count = 1, .looked_at = 4};
  CHECK(history->list(query)->looked_to == 0);
  // Of a listing of everything each one is listed.
  CHECK(history->list({.count = 2})->looked_to == 0);
}

TEST_CASE("the history forgets what is old or too much, never the newest, and never what a start needs") {
  TemporaryFolder folder;
  Shelf shelf(folder);
  const auto write = [&](std::uint64_t id) {
    shelf.write(
        {.id = id, .timestamp_ms = static_cast<std::int64_t>(id) * 1000, .value = std::to_string(id)});
  };
  for (std::uint64_t id = 1; id <= 30; ++id) {
    write(id);
    if (id % 10 == 0) shelf.keyframe();
  }
  const auto oldest = [&] { return numbers(shelf.history()->list({.count = 1000})).back(); };
  const Retention nothing{.age = 0s, .size_bytes = 0, .revisions = 0};
  SECTION("without a snapshot nothing goes") {
    shelf.trim(nothing, Timestamp{1'000'000});
    CHECK(oldest() == 1);
    CHECK(shelf.forgotten == 0);
  }
  shelf.snapshot();
  SECTION("by age") {
    shelf.trim({.age = 5s, .size_bytes = 1 * GiB, .revisions = 1}, Timestamp{30'000});
    CHECK(oldest() == 21);
    CHECK(shelf.forgotten == 20);
  }
  SECTION("by size: what is kept is smaller") {
    shelf.trim({.age = 24h, .size_bytes = 25, .revisions = 1}, Timestamp{30'000});
    CHECK(oldest() == 21);
  }
  SECTION("neither old nor too much") {
    shelf.trim({.age = 24h, .size_bytes = 1 * GiB, .revisions = 1}, Timestamp{30'000});
    CHECK(oldest() == 1);
  }
  SECTION("the newest stay") {
    shelf.trim({.age = 0s, .size_bytes = 0, .revisions = 15}, Timestamp{1'000'000});
    CHECK(oldest() == 11);
  }
  CHECK(text(shelf.history()->version(Record::story, 25)) == "25");
  CHECK(document::print(*shelf.board.document(Record::story).root()) == "30");
  const auto recovered = recover(*shelf.log);
  REQUIRE(recovered);
  CHECK(recovered->board.encoded() == shelf.board.encoded());
}

TEST_CASE("changes of records are forgotten when they are too much, and the records stay") {
  TemporaryFolder folder;
  Shelf shelf(folder);
  const std::string change =
      R"({"do":"put","class":"state","fields":{"value":")" + std::string(100, 'x') + "\"}}";
  for (std::uint64_t id = 1; id <= 30; ++id)
    shelf.write({.id = id, .record = Record::record, .value = change});
  int copies = 0;
  const auto kept = [&] {
    const auto copy = folder.path() / std::to_string(++copies);
    REQUIRE(back_up(folder.path(), kProject, copy));
    auto database = Database::open_reader(copy, Database::Schema::older_too);
    REQUIRE(database);
    return *database->number("SELECT count(*) FROM operations WHERE record = 4");
  };
  const Retention some{.age = 24h, .size_bytes = 5 * change.size(), .revisions = 1};
  shelf.trim(some, Timestamp{1000});
  CHECK(kept() == 30);
  shelf.snapshot();
  shelf.trim({.age = 24h, .size_bytes = 1 * GiB, .revisions = 1}, Timestamp{1000});
  CHECK(kept() == 30);
  shelf.trim(some, Timestamp{1000});
  CHECK(kept() == 5);
  const auto recovered = recover(*shelf.log);
  REQUIRE(recovered);
  CHECK(recovered->board.encoded() == shelf.board.encoded());
  CHECK(recovered->board.records().find("")->revision == 30);
}

TEST_CASE("who came is forgotten when it is old, and what people did to others is not") {
  TemporaryFolder folder;
  Shelf shelf(folder);
  std::vector<Operation> noted;
  const auto note = [&](const char* what, std::int64_t timestamp_ms) {
    AuditEntry entry{.timestamp = Timestamp{timestamp_ms}, .user = "rigging", .what = what};
    entry.text = R"(,"what":"let_in")";
    noted.push_back(operation_of(std::move(entry), UniqueId{7, noted.size() + 1}));
  };
  for (std::int64_t i = 1; i <= 500; ++i) note("let_in", 1000 + i);
  note("kick", 1600);
  note("refused", 1700);
  note("key_add", 1800);
  note("let_in", 90'000);
  note("refused", 90'001);
  shelf.append_all(noted);
  const auto kept = [&] {
    std::string list;
    const auto listing = shelf.history()->audit(0, 1000);
    REQUIRE(listing);
    for (const AuditEntry& each : listing->entries)
      if (each.what != "let_in" || each.timestamp.ms > 1500) list += each.what + " ";
    return std::to_string(listing->entries.size()) + ": " + list;
  };
  const Retention minute{.age = 60s, .size_bytes = 1 * GiB, .revisions = 1};
  // Not what a start has to read.
  shelf.trim(minute, Timestamp{100'000});
  CHECK(kept() == "505: kick refused key_add let_in refused ");
  shelf.snapshot();
  shelf.trim(minute, Timestamp{100'000});
  CHECK(kept() == "4: kick key_add let_in refused ");
  CHECK(shelf.forgotten == 501);
}

TEST_CASE("a database of schema version 1 is brought up to date with all that is in it") {
  TemporaryFolder folder;
  std::filesystem::path file;
  {
    const auto data = DataFolder::open(folder.path(), kProject);
    REQUIRE(data);
    file = data->database();
  }
  {
    auto database = Database::open(file);
    REQUIRE(database);
    // As version 1 made it.
    REQUIRE(database->run(R"sql(
      DROP TABLE operations; DROP TABLE keyframes;
      CREATE TABLE operations (sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, session INTEGER NOT NULL,
        user TEXT NOT NULL, timestamp INTEGER NOT NULL, record INTEGER NOT NULL, base INTEGER NOT NULL,
        value BLOB NOT NULL);
      INSERT INTO operations VALUES (1, x'00000000000000070000000000000001', 5, 'rigging', 1000, 1, 0, '{"a":1}'),
        (2, x'00000000000000070000000000000002', 6, 'lighting', 900, 1, 0, '{"b":2}'),
        (3, x'00000000000000070000000000000003', 6, 'lighting', 2000, 3, 0, 'hello');
      PRAGMA user_version = 1;)sql"));
    // Its snapshot, after the first operation: format, sequence, messages, two heads, no messages, none remembered.
    Bytes state;
    ByteWriter writer(state);
    writer.u8(1);
    for (const std::uint64_t each : {1u, 0u, 1u, 7u, 1u, 5u}) writer.u64(each);
    writer.text16("rigging");
    writer.i64(1000);
    writer.u32(7);
    writer.raw(as_bytes(R"({"a":1})"));
    for (int i = 0; i < 4; ++i) writer.u64(0);
    writer.text16("");
    writer.i64(0);
    for (int i = 0; i < 3; ++i) writer.u32(0);
    auto insert = database->prepare("INSERT INTO snapshot VALUES (1, 1, ?)");
    REQUIRE(insert);
    insert->bind(0, ByteView(state));
    REQUIRE(insert->step());
  }
  // Before that it can be backed up as it is.
  const auto copy = folder.path() / "before.sqlite";
  REQUIRE(back_up(folder.path(), kProject, copy));
  {
    auto before = Database::open_reader(copy, Database::Schema::older_too);
    REQUIRE(before);
    CHECK(*before->number("PRAGMA user_version") == 1);
    CHECK(*before->number("SELECT count(*) FROM operations") == 3);
  }
  CHECK(restore(copy, folder.path() / "elsewhere", kProject));
  Shelf shelf(folder);
  const auto recovered = recover(*shelf.log);
  REQUIRE(recovered);
  CHECK(recovered->snapshot_sequence == 1);
  CHECK(document::print(*recovered->board.document(Record::story).root()) == R"({"a":1})");
  CHECK(recovered->board.head(Record::story).user == "rigging");
  CHECK(recovered->board.last_message() == 1);
  CHECK(text(shelf.history()->version(Record::story, 2)) == R"({"b":2})");
  shelf.board = recovered->board;
  CHECK(shelf.write({.id = 9, .timestamp_ms = 3000, .value = "[]"}) == 4);
}

TEST_CASE("a backup of a running log is the board of that moment, and a project can begin with it") {
  TemporaryFolder folder;
  TemporaryFolder elsewhere;
  const auto copy = elsewhere.path() / "moria.sqlite";
  Shelf shelf(folder);
  write_four(shelf);
  std::stop_source stopped;
  stopped.request_stop();
  CHECK(back_up(folder.path(), kProject, copy, stopped.get_token()).error().outcome == Outcome::cancelled);
  CHECK(std::filesystem::is_empty(elsewhere.path()));
  REQUIRE(back_up(folder.path(), kProject, copy));
  shelf.write({.id = 5, .timestamp_ms = 5000, .value = "[]"});

  REQUIRE(restore(copy, elsewhere.path(), kProject));
  {
    Shelf again(elsewhere);
    const auto recovered = recover(*again.log);
    REQUIRE(recovered);
    CHECK(recovered->board.sequence() == 4);
    CHECK(text(again.history()->version(Record::story, 4)) == R"("too late")");
    CHECK(restore(copy, elsewhere.path(), kProject).error().outcome == Outcome::refused);
  }
  CHECK(restore(copy, elsewhere.path(), kProject).error().text.find("has a board already") !=
        std::string::npos);
  CHECK(back_up(folder.path(), kProject, copy).error().text.find("exists") != std::string::npos);
  CHECK(back_up(folder.path(), "Another Film", elsewhere.path() / "x").error().outcome == Outcome::not_found);
  CHECK(restore(elsewhere.path() / "none", elsewhere.path(), "Another Film").error().outcome ==
        Outcome::usage);
}

TEST_CASE("a backup that fails leaves alone what it did not write") {
  TemporaryFolder folder;
  TemporaryFolder elsewhere;
  Shelf shelf(folder);
  write_four(shelf);
  const auto room = elsewhere.path() / "room";
  std::ofstream(room) << "mine";
  {
    const SmallDisk disk(8192);
    CHECK_FALSE(back_up(folder.path(), kProject, elsewhere.path() / "moria.sqlite"));
  }
  CHECK(std::filesystem::file_size(room) == 4);
  CHECK(part_of(room) != part_of(room));
  CHECK(std::distance(std::filesystem::directory_iterator(elsewhere.path()), {}) == 1);
}

TEST_CASE("what a backup, or a restore, that was killed left behind goes with the next one") {
  TemporaryFolder folder;
  TemporaryFolder elsewhere;
  const auto own = std::to_string(::getpid());
  // Of no process: numbers end below that.
  const std::string dead = "4194305";
  const auto touch = [&](const std::filesystem::path& file) { std::ofstream(file) << "x"; };
  const auto copy = elsewhere.path() / "moria.sqlite";
  const auto part = [&copy](const std::string& end) { return copy.native() + "." + end; };
  // In a folder that is anybody's only what is surely one goes: old, and empty or a database.
  const std::vector<std::string> databases{part(dead + ".part"), part(dead + "-2.part")};
  for (const std::string& each : databases) std::ofstream(each) << std::string("SQLite format 3\0", 16);
  // As one is that was broken off.
  std::ofstream(part(dead + ".part")) << std::string(512, '\0');
  std::ofstream(part(dead + ".part-journal")) << "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and more";
  const std::vector<std::string> stay{part("1.part"),         part(dead),
                                      part("x1.part"),        part(own + ".part"),
                                      part(dead + "-3.part"), part(dead + "-4.part"),
                                      part(dead + "-x.part"), elsewhere.path() / ("other." + dead + ".part")};
  for (const std::string& each : stay) touch(each);
  std::ofstream(part(dead + "-4.part"));  // Empty, but young.
  const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(25);
  for (const char* end : {".part", "-2.part", ".part-journal", "-3.part", "-x.part"})
    std::filesystem::last_write_time(part(dead + end), long_ago);
  std::filesystem::create_directory(part(dead + "-5.part"));
  {
    Shelf shelf(folder);
    write_four(shelf);
    REQUIRE(back_up(folder.path(), kProject, copy));
  }
  const auto count = [](const std::filesystem::path& in) {
    return std::distance(std::filesystem::directory_iterator(in), std::filesystem::directory_iterator());
  };
  CHECK(count(elsewhere.path()) == std::ssize(stay) + 2);
  for (const std::string& each : stay) CHECK(std::filesystem::exists(each));

  const auto project = folder.path() / folder_name(kProject);
  const auto files = count(project);
  std::filesystem::create_directories(project / "backups");
  for (const std::string& each : {dead, own}) {
    touch(project / ("board.sqlite." + each + ".part"));
    touch(project / ("board.sqlite." + each + ".part-journal"));
    touch(project / "backups" / ("board-20261128T195600.123Z.sqlite." + each + ".part"));
  }
  { const Shelf shelf(folder); }
  CHECK(count(project) == files + 1);
  CHECK(count(project / "backups") == 0);
}

TEST_CASE("a backup does not get the write-ahead log of another board that was moved away") {
  TemporaryFolder folder;
  TemporaryFolder elsewhere;
  const auto copy = elsewhere.path() / "moria.sqlite";
  const auto project = elsewhere.path() / folder_name(kProject);
  {
    Shelf shelf(folder);
    write_four(shelf);
    REQUIRE(back_up(folder.path(), kProject, copy));
    shelf.write({.id = 5, .timestamp_ms = 5000, .value = "[]"});
    // As a server that was killed leaves it, of which somebody moved the database alone.
    std::filesystem::create_directories(project);
    std::filesystem::copy_file(folder.path() / folder_name(kProject) / "board.sqlite-wal",
                               project / "board.sqlite-wal");
  }
  const auto refused = restore(copy, elsewhere.path(), kProject);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::refused);
  CHECK(refused.error().text.find("board.sqlite-wal") != std::string::npos);
  std::filesystem::remove(project / "board.sqlite-wal");
  CHECK(restore(copy, elsewhere.path(), kProject));
}

}  // namespace callboard::history_test
