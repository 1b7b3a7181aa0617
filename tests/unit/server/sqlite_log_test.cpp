#include "server/store/sqlite_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <csignal>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <random>
#include <set>

#include "base/fd.h"
#include "base/file_content.h"
#include "base/limits.h"
#include "server/board/recovery.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "tests/unit/server/log_inbox.h"
#include "tests/unit/server/operations.h"
#include "tests/unit/server/small_disk.h"
#include "tests/unit/server/temporary_folder.h"

namespace callboard::sqlite_log_test {
using namespace callboard::server;

TEST_CASE("what is appended in one turn of the loop is begun together at its end, or when the log ends") {
  TemporaryFolder folder;
  Inbox inbox;
  std::vector<std::function<void()>> at_end;
  auto opened = SqliteLog::open({folder.path(), "Moria's Race", inbox.post(),
                                 [&](std::function<void()> task) { at_end.push_back(std::move(task)); }});
  REQUIRE(opened);
  std::vector<std::uint64_t> answers;
  const auto append = [&](std::uint64_t id) {
    (*opened)->append(make_operation({.id = id}),
                      [&](const Result<Appended>& result) { answers.push_back(result->sequence); });
  };
  for (std::uint64_t id = 1; id < 4; ++id) append(id);
  REQUIRE(at_end.size() == 1);
  at_end[0]();
  inbox.run_until([&] { return answers.size() == 3; });
  CHECK(answers == std::vector<std::uint64_t>{1, 2, 3});
  append(4);
  REQUIRE(at_end.size() == 2);
  opened->reset();
  at_end[1]();
  auto again = open_log(folder, inbox);
  std::uint64_t kept = 0;
  REQUIRE(again->read_from(1, [&](const Committed& committed) {
    kept = committed.sequence;
    return Result<void>();
  }));
  CHECK(kept == 4);
}

TEST_CASE("operations get consecutive sequence numbers and are told as committed before they are answered") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  std::string events;
  log->on_commit([&](const Committed& committed) {
    events += "c" + std::to_string(committed.sequence) + *committed.operation.value + " ";
  });
  int answered = 0;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    log->append(make_operation({.id = i, .value = "v"}), [&](Result<Appended> result) {
      REQUIRE(result);
      events += "a" + std::to_string(result->sequence) + " ";
      ++answered;
    });
  }
  inbox.run_until([&] { return answered == 3; });

  CHECK(events.find("c1v ") < events.find("a1 "));
  CHECK(events.find("c3v ") < events.find("a3 "));
  CHECK(events.find("a1 ") < events.find("a2 "));
  CHECK(events.find("c1v ") < events.find("c2v "));
  CHECK(events.size() == 7 * 1 + 4 * 3 + 2);
}

TEST_CASE("an operation that was sent again is answered with its old place and is not told again") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  int committed = 0;
  log->on_commit([&](const Committed&) { ++committed; });
  REQUIRE(append(*log, inbox, {.id = 1})->sequence == 1);
  REQUIRE(append(*log, inbox, {.id = 2})->sequence == 2);
  const auto again = append(*log, inbox, {.id = 1});

  CHECK(again->sequence == 1);
  CHECK(again->repeated);
  CHECK(committed == 2);
  CHECK(append(*log, inbox, {.id = 3})->sequence == 3);
}

TEST_CASE("everything about an operation comes back after a restart") {
  TemporaryFolder folder;
  Inbox inbox;
  const std::string value("bytes \0 and \xff", 13);
  Operation sent = make_operation(
      {.id = 5, .session = ~0ULL, .timestamp_ms = -4, .record = Record::analytics, .value = value});
  sent.user = "Zoë | 日本";
  sent.base = 17;
  {
    auto log = open_log(folder, inbox);
    bool answered = false;
    log->append(sent, [&](const Result<Appended>&) { answered = true; });
    inbox.run_until([&] { return answered; });
  }
  auto log = open_log(folder, inbox);
  std::vector<Committed> read;
  REQUIRE(log->read_from(1, [&](Committed committed) {
    read.push_back(std::move(committed));
    return Result<void>();
  }));

  REQUIRE(read.size() == 1);
  const Operation& back = read[0].operation;
  CHECK(read[0].sequence == 1);
  CHECK(back.id == sent.id);
  CHECK(back.session == sent.session);
  CHECK(back.user == sent.user);
  CHECK(back.timestamp == sent.timestamp);
  CHECK(back.record == sent.record);
  CHECK(back.base == 17);
  CHECK(*back.value == value);
}

TEST_CASE("destroying the log writes what was accepted and calls nobody") {
  TemporaryFolder folder;
  Inbox inbox;
  int calls = 0;
  {
    auto log = open_log(folder, inbox);
    for (std::uint64_t i = 1; i <= 500; ++i) {
      log->append(make_operation({.id = i}), [&](const Result<Appended>&) { ++calls; });
    }
  }
  auto log = open_log(folder, inbox);
  CHECK(append(*log, inbox, {.id = 501})->sequence == 501);
  CHECK(calls == 0);
}

// Those of which the write-ahead log has the last page: that one says how large the database is then (sqlite.org/fileformat2.html, 4.1).
std::size_t commits_in_wal(const std::filesystem::path& database) {
  constexpr std::size_t kHeadBytes = 32;
  constexpr std::size_t kFrameHeadBytes = 24;
  const Fd file(::open((database.native() + "-wal").c_str(), O_RDONLY | O_CLOEXEC));
  const auto content = read_content(file.get(), 64 * MiB);
  REQUIRE(content);
  const ByteView wal(*content);
  const auto u32_at = [&](std::size_t at) { return ByteReader(wal.subspan(at, 4)).u32(); };
  const auto salts_at = [&](std::size_t at) { return as_text(wal.subspan(at, 8)); };
  std::size_t commits = 0;
  const std::size_t page_bytes = u32_at(8);
  for (std::size_t at = kHeadBytes; at + kFrameHeadBytes + page_bytes <= wal.size();
       at += kFrameHeadBytes + page_bytes) {
    if (salts_at(at + 8) == salts_at(16) && u32_at(at + 4) != 0) ++commits;
  }
  return commits;
}

TEST_CASE("writes that come while one is under way are committed together") {
  constexpr std::uint64_t kWrites = 500;
  static_assert(kWrites <= kCommitGroupOperations);
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  REQUIRE(append(*log, inbox, {.id = 1}));
  const auto database = folder.path() / folder_name("Moria's Race") / kBoardFile;
  const std::size_t before = commits_in_wal(database);
  REQUIRE(before > 0);
  // The log's thread is busy until all have come.
  std::promise<void> have_come;
  std::promise<void> is_busy;
  const auto read = std::async(std::launch::async, [&] {
    return log->read_from(1, [&](const Committed&) {
      is_busy.set_value();
      have_come.get_future().wait();
      return Result<void>();
    });
  });
  is_busy.get_future().wait();
  std::uint64_t written = 0;
  std::uint64_t refused = 0;
  for (std::uint64_t id = 2; id < 2 + kWrites; ++id)
    log->append(make_operation({.id = id}),
                [&](const Result<Appended>& result) { ++(result ? written : refused); });
  have_come.set_value();
  inbox.run_until([&] { return written + refused == kWrites; });
  CHECK(written == kWrites);
  CHECK(commits_in_wal(database) == before + 1);
}

TEST_CASE("a state that takes long to encode holds up no write, and is kept before the log ends") {
  TemporaryFolder folder;
  Inbox inbox;
  std::promise<void> have_written;
  const auto encode = [written = have_written.get_future().share()] {
    written.wait();
    return Bytes(100, std::byte{1});
  };
  auto log = open_log(folder, inbox);
  REQUIRE(append(*log, inbox, {.id = 1}));
  const bool is_keyframe = GENERATE(false, true);
  if (is_keyframe) {
    log->keyframe(Record::story, 1, encode, [](const Result<void>&) {});
  } else {
    log->snapshot(1, encode, [](const Result<void>&) {});
  }
  CHECK(append(*log, inbox, {.id = 2}));
  have_written.set_value();
  log.reset();
  log = open_log(folder, inbox);
  CHECK(log->newest_keyframe(Record::story).value() == (is_keyframe ? 1 : 0));
  CHECK(log->newest_snapshot()->sequence == (is_keyframe ? 0 : 1));
}

TEST_CASE("what is in the write-ahead log goes into the database while the log is open") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  const auto file = folder.path() / folder_name("Moria's Race") / "board.sqlite";
  const auto before = std::filesystem::file_size(file);
  const std::string value(16 * KiB, 'v');
  // About five pages each, of which the last checkpoint leaves few.
  for (std::uint64_t i = 1; i <= Database::kWalRoomPages; ++i)
    REQUIRE(append(*log, inbox, {.id = i, .value = value}));
  CHECK(std::filesystem::file_size(file) > before + MiB);
}

TEST_CASE("a start reads the snapshot and what came after it") {
  TemporaryFolder folder;
  Inbox inbox;
  Board live;
  {
    auto log = open_log(folder, inbox);
    log->on_commit([&](const Committed& committed) { live.apply(committed.sequence, committed.operation); });
    for (std::uint64_t i = 1; i <= 10; ++i)
      REQUIRE(append(*log, inbox, {.id = i, .value = std::to_string(i)}));
    std::optional<bool> kept;
    log->snapshot(
        live.sequence(), [board = live] { return board.encoded(); },
        [&](const Result<void>& result) { kept = result.has_value(); });
    inbox.run_until([&] { return kept.has_value(); });
    REQUIRE(*kept);
    for (std::uint64_t i = 11; i <= 15; ++i)
      REQUIRE(append(*log, inbox, {.id = i, .record = Record::messages}));
  }
  auto log = open_log(folder, inbox);
  const auto recovered = recover(*log);

  REQUIRE(recovered);
  CHECK(recovered->snapshot_sequence == 10);
  CHECK(recovered->operations_replayed == 5);
  CHECK(recovered->board.encoded() == live.encoded());
}

TEST_CASE("an installed snapshot is where the log goes on, unless the log is beyond it") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  Board board;
  board.apply(40, make_operation({.id = 1, .value = "\"from elsewhere\""}));
  const auto install = [&] {
    std::optional<Result<void>> answer;
    log->install({40, board.encoded()}, [&](Result<void> result) { answer = std::move(result); });
    inbox.run_until([&] { return answer.has_value(); });
    return *answer;
  };
  REQUIRE(install());
  CHECK(append(*log, inbox, {.id = 2, .timestamp_ms = 1})->sequence == 41);
  CHECK(install().error().text == "the log is at 41, beyond the snapshot's 40");
  CHECK(document::print(*recover(*log)->board.document(Record::story).root()) == "\"from elsewhere\"");
}

TEST_CASE("a project's data belongs to one process, and another one is told which") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  const auto second = SqliteLog::open({folder.path(), "Moria's Race", inbox.post()});

  REQUIRE_FALSE(second);
  CHECK(second.error().outcome == Outcome::refused);
  CHECK(second.error().text.find("in use by process " + std::to_string(::getpid())) != std::string::npos);
  CHECK(SqliteLog::open({folder.path(), "Another Project", inbox.post()}));
}

TEST_CASE("a database of a newer program and a file that is something else are refused") {
  TemporaryFolder folder;
  Inbox inbox;
  const auto file = folder.path() / folder_name("Moria's Race") / "board.sqlite";
  { open_log(folder, inbox); }
  {
    auto database = Database::open(file);
    REQUIRE(database);
    REQUIRE(database->run("PRAGMA user_version = 5"));
  }
  const auto newer = SqliteLog::open({folder.path(), "Moria's Race", inbox.post()});
  REQUIRE_FALSE(newer);
  CHECK(newer.error().text.find("schema version 5 is newer than this program's 4") != std::string::npos);

  {
    const int fd = ::open(file.c_str(), O_WRONLY | O_TRUNC);
    REQUIRE(fd >= 0);
    const std::string text(5000, 'x');
    REQUIRE(::write(fd, text.data(), text.size()) == 5000);
    ::close(fd);
  }
  CHECK_FALSE(SqliteLog::open({folder.path(), "Moria's Race", inbox.post()}));
}

TEST_CASE("projects have different folders, whatever their names") {
  CHECK(folder_name("Moria's Race") == "Moria%27s Race");
  CHECK(folder_name("..") == "%2E%2E");
  CHECK(folder_name("a/b") == "a%2Fb");
  CHECK(folder_name("a%2Fb") == "a%252Fb");
  const std::string long_name(400, 'a');
  CHECK(folder_name(long_name).size() < 255);
  CHECK(folder_name(long_name + "b") != folder_name(long_name + "c"));
}

TEST_CASE("a write that fails is answered with an error and the log goes on when the fault clears") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  std::set<std::uint64_t> committed;
  log->on_commit([&](const Committed& one) { committed.insert(one.operation.id.low); });
  REQUIRE(append(*log, inbox, {.id = 1}));
  {
    SmallDisk disk(64 * 1024);
    const auto failed = append(*log, inbox, {.id = 2, .value = '"' + std::string(200'000, 'x') + '"'});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().text.rfind("write to the project's log", 0) == 0);
    CHECK_FALSE(append(*log, inbox, {.id = 3, .value = '"' + std::string(200'000, 'x') + '"'}));
  }
  const auto again = append(*log, inbox, {.id = 2, .value = '"' + std::string(200'000, 'x') + '"'});
  REQUIRE(again);
  CHECK(append(*log, inbox, {.id = 4}));
  CHECK(committed == std::set<std::uint64_t>{1, 2, 4});

  log.reset();
  log = open_log(folder, inbox);
  std::set<std::uint64_t> read;
  REQUIRE(log->read_from(1, [&](const Committed& one) {
    read.insert(one.operation.id.low);
    return Result<void>();
  }));
  CHECK(read == committed);
}

TEST_CASE("operations that are appended together are in the log one after the other, all or none") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  std::vector<std::uint64_t> committed;
  log->on_commit([&](const Committed& one) { committed.push_back(one.operation.id.low); });
  const auto together = [&](std::uint64_t first, std::size_t count, const std::string& last) {
    std::vector<Operation> operations;
    for (std::uint64_t id = first; id < first + count; ++id)
      operations.push_back(make_operation({.id = id, .value = id + 1 < first + count ? "1" : last}));
    std::optional<Result<Appended>> answer;
    log->append_together(std::move(operations), [&](const Result<Appended>& result) { answer = result; });
    inbox.run_until([&] { return answer.has_value(); });
    return *answer;
  };
  CHECK(together(1, 3, "2")->sequence == 3);
  {
    SmallDisk disk(64 * 1024);
    CHECK_FALSE(together(11, 3, '"' + std::string(200'000, 'x') + '"'));
  }
  // More than one commit takes otherwise.
  CHECK(together(21, kCommitGroupOperations + 5, "2")->sequence == 3 + kCommitGroupOperations + 5);
  REQUIRE(committed.size() == 3 + kCommitGroupOperations + 5);
  CHECK(committed[2] == 3);
  CHECK(committed[3] == 21);
}

TEST_CASE("a disk that takes nothing refuses one write after the other, and the log goes on after that") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  REQUIRE(append(*log, inbox, {.id = 1}));
  {
    SmallDisk disk(0);
    // The database cannot even be opened again.
    for (std::uint64_t id = 2; id < 6; ++id) CHECK_FALSE(append(*log, inbox, {.id = id}));
  }
  CHECK(append(*log, inbox, {.id = 2}));
}

TEST_CASE("a log that was closed in order is read on a full disk, and written to once there is room") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  CHECK_FALSE(log->why_read_only());
  REQUIRE(append(*log, inbox, {.id = 1, .value = "[1]"}));
  log.reset();
  {
    const SmallDisk disk(0);
    log = open_log(folder, inbox);
    REQUIRE(log->why_read_only());
    CHECK_THAT(log->why_read_only()->text, Catch::Contains("too little room: expected 1.00 MiB, got "));
    const auto recovered = recover(*log);
    REQUIRE(recovered);
    CHECK(recovered->board.sequence() == 1);
    auto history = log->open_history();
    REQUIRE(history);
    CHECK((*history)->is_for_once());
    CHECK((*history)->list({.count = 9})->revisions.size() == 1);
    history->reset();
    const auto refused = append(*log, inbox, {.id = 2});
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().text, Catch::Contains("too little room"));
    // What was closed for the attempt is there to be read.
    auto again = log->open_history();
    REQUIRE(again);
    CHECK((*again)->list({.count = 9})->revisions.size() == 1);
  }
  CHECK(append(*log, inbox, {.id = 2})->sequence == 2);
  auto history = log->open_history();
  REQUIRE(history);
  CHECK_FALSE((*history)->is_for_once());
  CHECK((*history)->list({.count = 9})->revisions.size() == 2);
}

TEST_CASE("a log that was not closed in order is not read without what lies beside it") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  REQUIRE(append(*log, inbox, {.id = 1}));
  const auto board = folder.path() / folder_name("Moria's Race") / kBoardFile;
  CHECK_FALSE(Database::open_as_left(board));
  log.reset();
  CHECK(Database::open_as_left(board));
}

namespace {

// Appends for ever and writes the id of every acknowledged operation to `acknowledged_fd`.
[[noreturn]] void append_until_killed(const TemporaryFolder& folder, std::uint64_t first_id,
                                      int acknowledged_fd) {
  Inbox inbox;
  auto log = SqliteLog::open({folder.path(), "Moria's Race", inbox.post()});
  if (!log) ::_exit(1);
  std::uint64_t under_way = 0;
  for (std::uint64_t id = first_id;; ++id) {
    ++under_way;
    (*log)->append(make_operation({.id = id, .value = '"' + std::string(id % 3000, 'x') + '"'}),
                   [&under_way, id, acknowledged_fd](const Result<Appended>& result) {
                     --under_way;
                     if (!result || ::write(acknowledged_fd, &id, sizeof id) != sizeof id) ::_exit(2);
                   });
    inbox.run_until([&] { return under_way < 8; });
  }
}

}  // namespace

TEST_CASE("a process that is killed at any moment loses nothing that was acknowledged") {
  const auto seed = static_cast<unsigned>(::getpid());
  INFO("seed " << seed);
  std::mt19937 random(seed);
  TemporaryFolder folder;
  std::set<std::uint64_t> acknowledged;
  for (std::uint64_t round = 0; round < 20; ++round) {
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(fds[0]);
      append_until_killed(folder, round * 1'000'000 + 1, fds[1]);
    }
    ::close(fds[1]);
    const std::size_t kill_after = acknowledged.size() + 1 + random() % 60;
    std::uint64_t id = 0;
    while (::read(fds[0], &id, sizeof id) == sizeof id) {
      acknowledged.insert(id);
      if (acknowledged.size() == kill_after) ::kill(child, SIGKILL);
    }
    ::close(fds[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
  }
  Inbox inbox;
  auto log = open_log(folder, inbox);
  std::set<std::uint64_t> found;
  std::uint64_t last = 0;
  REQUIRE(log->read_from(1, [&](const Committed& one) {
    CHECK(one.sequence == last + 1);
    last = one.sequence;
    found.insert(one.operation.id.low);
    return Result<void>();
  }));
  CHECK(acknowledged.size() >= 20);
  CHECK(std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end()));
}

}  // namespace callboard::sqlite_log_test
