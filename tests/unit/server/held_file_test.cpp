// What a log does where somebody else takes its files away, or puts others in their place.
#include "server/store/held_file.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "tests/unit/server/log_inbox.h"
#include "tests/unit/server/small_disk.h"
#include "tests/unit/server/temporary_folder.h"

namespace callboard::held_file_test {
using namespace callboard::server;

namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::filesystem::path board_in(const TemporaryFolder& folder) {
  return folder.path() / folder_name("Moria's Race") / kBoardFile;
}

// Another board of that project, which is to take the place of the one in `folder`.
struct Intruder {
  TemporaryFolder folder;
  TemporaryFolder elsewhere;
  Inbox inbox;
  std::string content;

  Intruder() {
    auto other = open_log(elsewhere, inbox);
    for (std::uint64_t id = 1; id < 4; ++id) REQUIRE(append(*other, inbox, {.id = id}));
    other.reset();
    content = content_of(board_in(elsewhere));
  }
  std::filesystem::path board() const { return board_in(folder); }
  void take_its_place() const { std::filesystem::rename(board_in(elsewhere), board()); }
};

}  // namespace

TEST_CASE("a file that takes the board's place while writes fail is not written to") {
  const bool is_as_left = GENERATE(false, true);
  Intruder other;
  TemporaryFolder& folder = other.folder;
  Inbox& inbox = other.inbox;
  auto log = open_log(folder, inbox);
  REQUIRE(append(*log, inbox, {.id = 1}));
  if (is_as_left) log.reset();
  {
    const SmallDisk disk(0);
    if (is_as_left) log = open_log(folder, inbox);
    CHECK_FALSE(append(*log, inbox, {.id = 2}));
    if (!is_as_left) CHECK_FALSE(append(*log, inbox, {.id = 2}));
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(other.board().native() + suffix);
    other.take_its_place();
  }
  bool is_broken = false;
  log->on_broken([&](const Error&) { is_broken = true; });
  const auto refused = append(*log, inbox, {.id = 3});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Catch::Contains("another file took its place"));
  CHECK(is_broken);
  log.reset();
  CHECK(content_of(other.board()) == other.content);
  CHECK_FALSE(std::filesystem::exists(other.board().native() + "-wal"));
}

TEST_CASE("a file that is renamed over the board stays as it is, whoever looks, stops, and begins again") {
  Intruder other;
  TemporaryFolder& folder = other.folder;
  Inbox& inbox = other.inbox;
  auto log = open_log(folder, inbox);
  for (std::uint64_t id = 1; id < 50; ++id) REQUIRE(append(*log, inbox, {.id = id}));
  other.take_its_place();
  // Of another process, say a backup.
  static_cast<void>(Database::open_reader(other.board()));
  CHECK(content_of(other.board()) == other.content);
  const auto history = log->open_history();
  REQUIRE_FALSE(history);
  CHECK_THAT(history.error().text, Catch::Contains("another file took its place"));
  const bool is_noticed = GENERATE(false, true);
  if (is_noticed) CHECK_FALSE(append(*log, inbox, {.id = 99}));
  log.reset();
  CHECK(content_of(other.board()) == other.content);
  CHECK_FALSE(std::filesystem::exists(other.board().native() + "-wal"));
  CHECK(std::filesystem::exists(other.board().native() + "-wal.left-" + std::to_string(::getpid())));
  auto again = open_log(folder, inbox);
  CHECK(append(*again, inbox, {.id = 4})->sequence == 4);
}

TEST_CASE(
    "a board that was moved away while it was written to, and comes back, has all that was acknowledged") {
  TemporaryFolder folder;
  Inbox inbox;
  const auto file = board_in(folder);
  const auto away = folder.path() / "away.sqlite";
  auto log = open_log(folder, inbox);
  for (std::uint64_t id = 1; id < 50; ++id) REQUIRE(append(*log, inbox, {.id = id}));
  std::filesystem::rename(file, away);
  const bool is_noticed = GENERATE(false, true);
  if (is_noticed) CHECK_FALSE(append(*log, inbox, {.id = 99}));
  log.reset();
  SECTION("without it none begins") {
    CHECK_FALSE(SqliteLog::open({folder.path(), "Moria's Race", inbox.post()}));
    CHECK_FALSE(std::filesystem::exists(file));
  }
  SECTION("alone, since all was done to it that was written ahead") {
    std::filesystem::remove(file.native() + "-wal");
  }
  std::filesystem::rename(away, file);
  log = open_log(folder, inbox);
  CHECK(append(*log, inbox, {.id = 50})->sequence == 50);
}

TEST_CASE("where what is written ahead is removed no more is acknowledged, and nothing that was is lost") {
  TemporaryFolder folder;
  Inbox inbox;
  const auto file = board_in(folder);
  auto log = open_log(folder, inbox);
  for (std::uint64_t id = 1; id < 5; ++id) REQUIRE(append(*log, inbox, {.id = id}));
  std::filesystem::remove(file.native() + "-wal");
  const auto refused = append(*log, inbox, {.id = 5});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Catch::Contains("while the server runs"));
  // As another process finds it, were this one killed now.
  TemporaryFolder elsewhere;
  const auto copy = board_in(elsewhere);
  std::filesystem::create_directories(copy.parent_path());
  std::filesystem::copy_file(file, copy);
  auto again = open_log(elsewhere, inbox);
  CHECK(append(*again, inbox, {.id = 5})->sequence == 5);
}

TEST_CASE(
    "a board that is moved away gets what was written ahead of it, also when it counts as damaged first") {
  TemporaryFolder folder;
  TemporaryFolder elsewhere;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  for (std::uint64_t id = 1; id < 5; ++id) REQUIRE(append(*log, inbox, {.id = id}));
  std::filesystem::create_directories(board_in(elsewhere).parent_path());
  std::filesystem::rename(board_in(folder), board_in(elsewhere));
  REQUIRE_FALSE(log->open_history());
  log->keep_ahead();
  log.reset();
  auto moved = open_log(elsewhere, inbox);
  CHECK(append(*moved, inbox, {.id = 5})->sequence == 5);
}

TEST_CASE("a log that was opened without room goes on after another process has looked and left") {
  TemporaryFolder folder;
  Inbox inbox;
  open_log(folder, inbox).reset();
  std::ofstream(board_in(folder).native() + "-wal").flush();
  std::unique_ptr<SqliteLog> log;
  {
    const SmallDisk disk(0);
    log = open_log(folder, inbox);
  }
  REQUIRE(log->why_read_only());
  std::filesystem::remove(board_in(folder).native() + "-wal");
  CHECK(append(*log, inbox, {.id = 1})->sequence == 1);
}

TEST_CASE(
    "a board of the schema before that is opened without room is read, and brought up to date with room") {
  TemporaryFolder folder;
  Inbox inbox;
  {
    auto log = open_log(folder, inbox);
    REQUIRE(append(*log, inbox, {.id = 1}));
  }
  REQUIRE(Database::open(board_in(folder), Database::Missing::fails)->run("PRAGMA user_version = 3"));
  std::unique_ptr<SqliteLog> log;
  {
    const SmallDisk disk(0);
    log = open_log(folder, inbox);
  }
  REQUIRE(log->why_read_only());
  CHECK(log->open_history());
  CHECK(append(*log, inbox, {.id = 2})->sequence == 2);
  CHECK(*Database::open_reader(board_in(folder))->number("PRAGMA user_version") == 4);
}

TEST_CASE("a log that had nothing written ahead goes on after a full disk") {
  TemporaryFolder folder;
  Inbox inbox;
  auto log = open_log(folder, inbox);
  {
    const SmallDisk disk(0);
    for (int i = 0; i < 3; ++i) CHECK_FALSE(append(*log, inbox, {.id = 1}));
  }
  CHECK(append(*log, inbox, {.id = 1})->sequence == 1);
}

TEST_CASE("of a damaged board what is written ahead is done to it no more") {
  TemporaryFolder folder;
  Inbox inbox;
  const auto file = board_in(folder);
  auto log = open_log(folder, inbox);
  for (std::uint64_t id = 1; id < 5; ++id) REQUIRE(append(*log, inbox, {.id = id}));
  const std::string content = content_of(file);
  log->keep_ahead();
  log.reset();
  CHECK(content_of(file) == content);
  CHECK(std::filesystem::file_size(file.native() + "-wal") > 0);
}

TEST_CASE("a board that is a link to what is not there is not replaced by an empty one") {
  TemporaryFolder folder;
  const auto project = folder.path() / folder_name("Moria's Race");
  std::filesystem::create_directories(project);
  std::filesystem::create_symlink("/nowhere/board.sqlite", project / kBoardFile);
  Inbox inbox;
  const auto opened = SqliteLog::open({folder.path(), "Moria's Race", inbox.post()});
  REQUIRE_FALSE(opened);
  CHECK_THAT(opened.error().text, Catch::Contains("it is a link to \"/nowhere/board.sqlite\""));
  CHECK_FALSE(Database::check_schema(project / kBoardFile));
  CHECK(std::filesystem::is_symlink(project / kBoardFile));
}

}  // namespace callboard::held_file_test
