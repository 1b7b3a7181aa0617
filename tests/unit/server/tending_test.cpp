// What the server does on a schedule to keep itself well: verify, retention, ping.
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/limits.h"
#include "server/calls/call_desk.h"
#include "server/ping_desk.h"
#include "server/start_check.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/verify.h"
#include "tests/unit/server/studio.h"

namespace callboard::tending_test {
using namespace callboard::server;

namespace {

constexpr const char* kProjectName = "Moria's Race";

protocol::DocumentWrite analytics(std::uint64_t number) {
  protocol::DocumentWrite write;
  write.record = protocol::DocumentRecord::analytics;
  write.timestamp = system_clock().wall();
  write.op = UniqueId{7, number};
  write.document = std::make_shared<const std::string>(std::to_string(number));
  return write;
}

void write_analytics(TestClient& client, std::uint64_t first, std::uint64_t last) {
  std::vector<protocol::ClientMessage> writes;
  for (std::uint64_t i = first; i <= last; ++i) writes.emplace_back(analytics(i));
  client.ask_all(std::move(writes));
}

std::int64_t keyframes_of(const Studio& studio) {
  auto database = Database::open_reader(studio.data() / folder_name(kProjectName) / "board.sqlite");
  REQUIRE(database);
  return database->number("SELECT count(*) FROM keyframes").value();
}

// So many that there are keyframes which have one before them. They are made beside the writing: with the last write of a
// block not all of them are on disk, and while one is made no other begins.
void write_keyframes(const Studio& studio, TestClient& client) {
  std::uint64_t written = 0;
  for (std::int64_t made = 1; made <= 3; ++made) {
    write_analytics(client, written + 1, written + kKeyframeOperations);
    written += kKeyframeOperations;
    for (; keyframes_of(studio) < made; ++written) {
      REQUIRE(written < 100 * kKeyframeOperations);
      write_analytics(client, written + 1, written + 1);
    }
  }
}

std::string result_of(TestClient& client, const std::string& name) {
  protocol::CallAsk ask;
  ask.name = name;
  ask.op = make_unique_id(system_random());
  return *client.ask_for<protocol::CallResult>(ask).value;
}

// All but the first page, with what is no page; what the log beside it has is there first.
void overwrite_pages(const std::filesystem::path& file) {
  auto database = Database::open(file);
  REQUIRE(database);
  REQUIRE(database->run("PRAGMA wal_checkpoint(TRUNCATE)"));
  const auto size = std::filesystem::file_size(file);
  std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
  bytes.seekp(4096);
  bytes << std::string(size - 4096, 'x');
}

struct PingRoom {
  net::Loop loop;
  CallDesk calls{loop};
  std::vector<std::uint64_t> keys;
  std::set<std::uint64_t> busy;
  std::vector<std::uint64_t> pinged;
  std::unique_ptr<PingDesk> desk;

  explicit PingRoom(Duration patience) {
    desk = std::make_unique<PingDesk>(loop,
                                      PingDesk::Outside{.keys = [this] { return keys; },
                                                        .ping =
                                                            [this](std::uint64_t key) {
                                                              if (busy.contains(key)) return false;
                                                              pinged.push_back(key);
                                                              return true;
                                                            }},
                                      patience);
    desk->add_call(calls.registry());
  }
  std::shared_ptr<std::string> call() {
    auto answer = std::make_shared<std::string>();
    CallRequest request;
    request.name = "ping.users";
    request.waiter.on_answer = [answer](const CallWaiter&, const Result<protocol::Document>& given) {
      *answer = given ? **given : given.error().text;
    };
    calls.begin({}, std::move(request));
    return answer;
  }
};

}  // namespace

TEST_CASE("a sound board is verified while it is served, and one that was changed behind it is not") {
  Studio studio;
  {
    const auto client = studio.join("rigging");
    write_keyframes(studio, *client);
    const std::string result = result_of(*client, "verify");
    INFO(result);
    CHECK(result.find(R"("keyframes":0)") == std::string::npos);
    CHECK(result.find(R"("size_bytes":0)") == std::string::npos);
  }
  studio.stop();
  const auto sound = verify(studio.data(), kProjectName, 100, {});
  REQUIRE(sound);
  CHECK(sound->keyframes >= 1);
  CHECK(sound->operations >= kKeyframeOperations);
  CHECK(sound->snapshot_sequence >= 3 * kKeyframeOperations);
  const auto file = studio.data() / folder_name(kProjectName) / "board.sqlite";
  {
    auto database = Database::open(file);
    REQUIRE(database);
    SECTION("an operation") {
      REQUIRE(
          database->run("UPDATE operations SET value = '[{\"path\":[],\"value\":77}]' WHERE sequence = "
                        "(SELECT max(sequence) FROM keyframes)"));
    }
    SECTION("a kept state") {
      REQUIRE(database->run(
          "UPDATE keyframes SET state = (SELECT state FROM keyframes ORDER BY sequence LIMIT 1) "
          "WHERE sequence = (SELECT max(sequence) FROM keyframes)"));
    }
  }
  const auto found = verify(studio.data(), kProjectName, 100, {});
  REQUIRE_FALSE(found);
  CHECK(found.error().outcome == Outcome::failed);
  CHECK(found.error().text.starts_with("the board's database is damaged: analytics@"));
  CHECK_FALSE(verify(studio.data(), "another", 1, {}));
}

TEST_CASE(
    "a database that is found to be broken takes no changes any more, and the next start says what to do") {
  ServerOptions options;
  options.disk_probe_period = 5ms;
  Studio studio(options);
  const auto client = studio.join("rigging");
  for (std::uint64_t i = 1; i <= 10; ++i) client->ask_for<protocol::DocumentState>(analytics(i));
  const auto file = studio.data() / folder_name(kProjectName) / "board.sqlite";
  SECTION("verify finds it") {
    overwrite_pages(file);
    CHECK_THROWS(result_of(*client, "verify"));
  }
  SECTION("somebody who reads the history does") {
    overwrite_pages(file);
    protocol::HistoryAsk ask;
    ask.document = protocol::DocumentRecord::analytics;
    CHECK_THROWS(client->ask_for<protocol::Revisions>(ask));
  }
  const auto told = client->told<protocol::Writable>();
  REQUIRE(told.size() == 1);
  CHECK_FALSE(told[0].writable);
  const auto refused = client->ask_for<protocol::ErrorAnswer>(analytics(10'000));
  CHECK(refused.outcome == Outcome::failed);
  CHECK(refused.text.find(
            "the board is damaged or gone, no changes are taken any more: `serve --restore FILE`") == 0);
  CHECK(refused.text.find('\n') == std::string::npos);
  CHECK(refused.text.find("\\n") == std::string::npos);
  // Nothing is taken away either: it may be all that there is to mend it from.
  CHECK_THROWS(result_of(*client, "retention"));
  // Several times as long as a full disk is looked at again.
  const Instant later = studio.loop.now() + 50ms;
  while (studio.loop.now() < later) static_cast<void>(client->told<protocol::Users>());
  CHECK(client->told<protocol::Writable>().size() == 1);
  CHECK(client->ask_for<protocol::Status>(protocol::StatusAsk{}).read_only == told[0].text);
  studio.kill();
  std::filesystem::remove(file.native() + "-wal");
  const auto again = studio.try_another();
  REQUIRE_FALSE(again);
  CHECK(again.error().outcome == Outcome::failed);
  CHECK(again.error().text.find(file.native()) != std::string::npos);
  CHECK(again.error().text.find("`serve --restore FILE` begins with a backup") != std::string::npos);
}

TEST_CASE("a board that is removed while the server runs takes no changes, and everybody is told") {
  Studio studio;
  const auto client = studio.join("rigging");
  const auto other = studio.join("lighting");
  REQUIRE(client->ask_for<protocol::DocumentState>(analytics(1)).won);
  const auto file = studio.data() / folder_name(kProjectName) / kBoardFile;
  SECTION("it is moved away") { std::filesystem::rename(file, file.native() + ".away"); }
  SECTION("another file takes its place") {
    std::filesystem::copy_file(file, file.native() + ".copy");
    std::filesystem::rename(file.native() + ".copy", file);
  }
  const bool is_there = std::filesystem::exists(file);
  const auto refused = client->ask_for<protocol::ErrorAnswer>(analytics(2));
  CHECK(refused.outcome == Outcome::failed);
  CHECK(refused.text.find("was removed, or another file took its place") != std::string::npos);
  const auto told = other->told<protocol::Writable>();
  REQUIRE(told.size() == 1);
  CHECK_FALSE(told[0].writable);
  // All later ones as well, and no other board is begun, or gets what was meant for this one.
  CHECK(client->ask_for<protocol::ErrorAnswer>(analytics(3)).outcome == Outcome::failed);
  CHECK(client
            ->ask_for<protocol::DocumentState>(
                protocol::DocumentRead{.record = protocol::DocumentRecord::analytics})
            .revision == 1);
  studio.stop();
  CHECK(std::filesystem::exists(file) == is_there);
}

TEST_CASE(
    "a board without anything in it is named, like any that is broken, and no project begins in its place") {
  Studio studio;
  studio.stop();
  const auto file = studio.data() / folder_name(kProjectName) / kBoardFile;
  std::filesystem::resize_file(file, 0);
  const auto checked = check_start(studio.options());
  REQUIRE_FALSE(checked);
  const auto again = studio.try_another();
  REQUIRE_FALSE(again);
  for (const Error& each : {checked.error(), again.error()}) {
    CHECK(each.outcome == Outcome::failed);
    CHECK(each.text.find(file.native()) != std::string::npos);
    CHECK(each.text.find("it is empty, what was in it is lost") != std::string::npos);
  }
  CHECK(again.error().text.find("`serve --restore FILE` begins with a backup") != std::string::npos);
  CHECK(verify(studio.data(), kProjectName, 1, {}).error().text.find("it is empty") != std::string::npos);
  CHECK(std::filesystem::file_size(file) == 0);
  SECTION("nor in the place of one that was moved without its write-ahead log") {
    std::filesystem::rename(file, file.native() + "-wal");
    const auto without = studio.try_another();
    REQUIRE_FALSE(without);
    CHECK(without.error().outcome == Outcome::refused);
    CHECK(without.error().text.find("board.sqlite-wal\" is of a board that was there before") !=
          std::string::npos);
  }
}

TEST_CASE("the check before a start finds a board that is newer than the program") {
  Studio studio;
  studio.stop();
  CHECK(check_start(studio.options()));
  {
    auto database = Database::open(studio.data() / folder_name(kProjectName) / "board.sqlite");
    REQUIRE(database);
    REQUIRE(database->run("PRAGMA user_version = 99"));
  }
  const auto checked = check_start(studio.options());
  REQUIRE_FALSE(checked);
  CHECK(checked.error().outcome == Outcome::refused);
  CHECK(checked.error().text.find("schema version 99 is newer than this program's") != std::string::npos);
}

TEST_CASE("a board that could not be read to its end is not called damaged") {
  Studio studio;
  studio.stop();
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = verify(studio.data(), kProjectName, 1, stop.get_token());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().outcome == Outcome::cancelled);
  auto database = Database::open_reader(studio.data() / folder_name(kProjectName) / "board.sqlite");
  REQUIRE(database);
  CHECK_FALSE(database->was_hindered());
  database->heed(stop.get_token());
  CHECK_FALSE(
      database->run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) "
                    "SELECT sum(i) FROM n"));
  CHECK(database->was_hindered());
}

TEST_CASE("a server that is started anew every few changes keeps states of its documents all the same") {
  Studio studio;
  const std::uint64_t a_day = kKeyframeOperations / 4;
  for (std::uint64_t day = 0; day < 4; ++day) {
    CHECK(keyframes_of(studio) == 0);
    write_analytics(*studio.join("rigging"), 1 + day * a_day, (1 + day) * a_day);
    studio.stop();
    studio.start();
  }
  CHECK(keyframes_of(studio) == 1);
  // From there on they are counted anew.
  write_analytics(*studio.join("rigging"), 1 + 4 * a_day, 5 * a_day);
  studio.stop();
  CHECK(keyframes_of(studio) == 1);
}

TEST_CASE("a call forgets what is not to be kept, and says how much that was") {
  ServerOptions options;
  options.retention = {.age = 0s, .size_bytes = 0, .revisions = 1};
  Studio studio(std::move(options));
  const auto client = studio.join("rigging");
  write_keyframes(studio, *client);
  const std::string first = result_of(*client, "retention");
  INFO(first);
  CHECK(first.starts_with(R"({"forgotten":)"));
  CHECK_FALSE(first.starts_with(R"({"forgotten":0,)"));
  CHECK(first.find(R"("kept_days":0,"kept_bytes":0,"kept_revisions":1)") != std::string::npos);
  CHECK(result_of(*client, "retention").starts_with(R"({"forgotten":0,)"));
}

TEST_CASE("a ping is answered when all who were asked have come back") {
  PingRoom room(1h);
  room.keys = {1, 2, 3, 4};
  room.busy = {4};
  const auto answer = room.call();
  const auto other = room.call();
  CHECK(room.pinged == std::vector<std::uint64_t>{3, 2, 1});
  room.desk->on_round_trip(2, std::chrono::microseconds(300));
  room.desk->on_round_trip(3, std::chrono::microseconds(100));
  room.desk->on_round_trip(7, std::chrono::microseconds(9));
  CHECK(answer->empty());
  room.desk->on_round_trip(1, std::chrono::microseconds(200));
  // Whoever spoke is tried once more.
  CHECK(answer->empty());
  REQUIRE(room.loop.run_until([&] { return !answer->empty(); }, kPatience));
  CHECK(*answer == R"({"answered":3,"silent":0,"median_us":200,"longest_us":300})");
  CHECK(*other == *answer);
  CHECK(room.pinged.size() == 3);
}

TEST_CASE("who leaves is not waited for, and who says nothing is counted") {
  PingRoom room(1ms);
  room.keys = {1, 2, 3};
  auto answer = room.call();
  room.desk->on_round_trip(1, std::chrono::microseconds(50));
  room.desk->forget(2);
  REQUIRE(room.loop.run_until([&] { return !answer->empty(); }, kPatience));
  CHECK(*answer == R"({"answered":1,"silent":1,"median_us":50,"longest_us":50})");
  room.keys.clear();
  CHECK(*room.call() == R"({"answered":0,"silent":0})");
  // More than are asked at a time.
  for (std::uint64_t key = 1; key <= 2 * PingDesk::kPingsAtOnce; ++key) room.keys.push_back(key);
  room.pinged.clear();
  answer = room.call();
  CHECK(room.pinged.size() == PingDesk::kPingsAtOnce);
  REQUIRE(room.loop.run_until([&] { return !answer->empty(); }, kPatience));
  CHECK(room.pinged.size() == 2 * PingDesk::kPingsAtOnce);
}

}  // namespace callboard::tending_test
