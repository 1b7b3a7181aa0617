// Records that are changed together, on a disk that takes its time.
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/document/build.h"
#include "base/document/value.h"
#include "tests/sim/hall.h"

namespace callboard::sim::together_test {
namespace {

using Wish = server::RecordWish;

Wish wish(const std::string& path, RecordAction action, std::uint64_t value,
          const std::string& record_class = "state") {
  Wish made;
  made.op = make_unique_id(system_random());
  made.path = path;
  made.action = action;
  made.record_class = record_class;
  made.values = document::make_object({{"value", document::make_number(value)}});
  return made;
}

// A server, and what was answered: "done", or what is wrong.
struct Desk {
  Hall hall;
  std::vector<std::string> answers;

  server::RecordDesk::Done note() {
    return [this](const Result<std::uint64_t>& done) {
      answers.push_back(done ? "done"
                             : std::string(to_text(done.error().outcome)) + ": " + done.error().text);
    };
  }
  void change_one(server::Stage& stage, Wish one) {
    stage.records().change(server::RecordDesk::server_itself(), std::move(one), note());
  }
  void change_all(server::Stage& stage, std::vector<Wish> all) {
    stage.records().change_together(server::RecordDesk::server_itself(), std::move(all), note());
  }
  // As they stand there: path, revision and fields.
  std::string seen(const std::string& path) {
    std::string text = "none";
    hall.on_server([&](server::Stage& stage) {
      if (const auto state = stage.records().find(path))
        text = std::to_string(state->revision) + " " + document::print(*state->fields);
    });
    return text;
  }
};

}  // namespace

TEST_CASE(
    "records that are changed together wait for what is on its way to one of them, and nothing comes "
    "between") {
  Desk desk;
  desk.hall.on_server([&](server::Stage& stage) {
    desk.change_one(stage, wish("/a", RecordAction::make, 1));
    // Of "/a" there is none yet, as far as is known now.
    desk.change_all(stage, {wish("/a", RecordAction::set, 2), wish("/b", RecordAction::set, 2)});
    desk.change_one(stage, wish("/b", RecordAction::put, 3));
  });
  CHECK(desk.answers.empty());
  desk.hall.pass(1s);
  CHECK(desk.answers == std::vector<std::string>{"done", "done", "done"});
  CHECK(desk.seen("/a").ends_with(R"( {"value":2})"));
  desk.hall.kill();
  desk.hall.start();
  CHECK(desk.seen("/a").ends_with(R"( {"value":2})"));
  CHECK(desk.seen("/b") != "none");
}

TEST_CASE("where one of several records cannot be changed none is") {
  Desk desk;
  desk.hall.on_server([&](server::Stage& stage) {
    desk.change_one(stage, wish("/a", RecordAction::make, 1));
    desk.change_all(stage, {wish("/a", RecordAction::set, 2), wish("/b", RecordAction::set, 2, "nothing")});
    desk.change_all(stage, {wish("/c", RecordAction::set, 2), wish("/c", RecordAction::set, 3)});
  });
  desk.hall.pass(1s);
  CHECK(desk.answers ==
        std::vector<std::string>{"usage: \"/c\" is there twice", "done",
                                 "usage: class \"nothing\": the server's schema has none of that name"});
  CHECK(desk.seen("/a").ends_with(R"( {"value":1})"));
  CHECK(desk.seen("/b") == "none");
  CHECK(desk.seen("/c") == "none");
}

TEST_CASE("what is on its way to several records counts for what one of them may hold") {
  Desk desk;
  const auto with = [](const std::string& path, RecordAction action, const std::string& field,
                       std::uint64_t size_bytes) {
    Wish made = wish(path, action, 0, "lock");
    made.values = document::make_object({{field, document::make_text(std::string(size_bytes, 'x'))}});
    return made;
  };
  desk.hall.on_server(
      [&](server::Stage& stage) { desk.change_one(stage, with("/a", RecordAction::make, "note", 1)); });
  desk.hall.pass(1s);
  desk.hall.on_server([&](server::Stage& stage) {
    desk.change_all(stage, {with("/a", RecordAction::set, "note", kOwnRecordMax - 10 * KiB),
                            with("/b", RecordAction::set, "note", 1)});
    desk.change_one(stage, with("/a", RecordAction::set, "broken_why", 20 * KiB));
  });
  desk.hall.pass(1s);
  CHECK(desk.answers ==
        std::vector<std::string>{"done", "done", "refused: fields: expected at most 256 KiB in all"});
}

TEST_CASE("on a disk that takes nothing records are not changed together, and on it once it does") {
  Desk desk;
  desk.hall.disk.is_full = true;
  const auto both = [&] {
    desk.hall.on_server([&](server::Stage& stage) {
      desk.change_all(stage, {wish("/a", RecordAction::set, 2), wish("/b", RecordAction::set, 2)});
    });
    desk.hall.pass(1s);
  };
  both();
  both();
  REQUIRE(desk.answers.size() == 2);
  CHECK(desk.answers[0] == "failed: write to the project's log: no space left on device");
  CHECK(desk.answers[1].starts_with("failed: the disk takes no writes: "));
  CHECK(desk.seen("/a") == "none");
  desk.hall.disk.is_full = false;
  desk.hall.pass(60s);
  both();
  CHECK(desk.answers.back() == "done");
  CHECK(desk.seen("/b").ends_with(R"( {"value":2})"));
}

}  // namespace callboard::sim::together_test
