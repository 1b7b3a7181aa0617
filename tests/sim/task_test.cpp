// Tasks whose programs are a World's, and of whom somebody else keeps the states.
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/document/parse.h"
#include "server/calls/call_desk.h"
#include "server/event_log.h"
#include "server/tasks/task_desk.h"
#include "tests/sim/tally.h"

namespace callboard::sim::task_test {
namespace {

// On a disk that may say of a write that it failed, of which it is found out later that it did not.
struct TornShelf final : server::OwnRecords {
  server::OwnRecord record;
  std::uint64_t newest = 0;
  bool is_torn = false;
  std::optional<server::OwnRecord> unknown;

  Result<document::ValuePtr> find(std::string_view, const std::string&) const override {
    return record.fields;
  }
  std::uint64_t revision(const std::string&) const override { return newest; }
  void put(server::OwnRecord given, Then then) override {
    if (given.base && given.base != newest) return then(Error{Outcome::superseded, "it was changed"});
    if (!std::exchange(is_torn, false)) {
      record = std::move(given);
      ++newest;
      return then({});
    }
    unknown = std::move(given);
    then(Error{Outcome::failed, "no space left on device"});
  }
  void put_together(std::vector<server::OwnRecord>, Then then) override {
    then(Error{Outcome::failed, "none is asked for"});
  }
  void find_out() {
    record = *std::exchange(unknown, std::nullopt);
    ++newest;
  }
};

struct Workshop {
  World world{1, false};
  Machine machine;
  TallyFaults faults;
  TornShelf shelf;
  struct Program {
    net::Loop loop;
    server::EventLog events{std::make_shared<spdlog::logger>("sim")};
    server::CallDesk calls{loop};
    server::TaskDesk tasks;
    explicit Program(server::OwnRecords& records) : tasks(loop, calls.registry(), events, records) {}
  };
  std::unique_ptr<Program> program;
  std::vector<std::string> answers;

  Workshop() {
    world.programs[kTallyProgram] = [this] { return make_tally(faults); };
    world.on(machine, [this] {
      program = std::make_unique<Program>(shelf);
      program->tasks.start(kTallyProgram, "Moria");
    });
    world.run_until(world.now() + 1s);
  }
  ~Workshop() {
    world.on(machine, [this] {
      program->calls.abandon();
      program.reset();
    });
  }
  void add(const std::string& token) {
    server::CallRequest request;
    request.name = "tally.add";
    request.arguments = std::make_shared<const std::string>("{\"token\":\"" + token + "\"}");
    request.waiter.on_answer = [this](const server::CallWaiter&, const Result<protocol::Document>& answer) {
      answers.push_back(answer ? **answer : std::string(to_text(answer.error().outcome)));
    };
    world.on(machine, [&] { program->calls.begin({}, std::move(request)); });
  }
};

}  // namespace

TEST_CASE(
    "a state that turns out to be written after all is not written over by a call that did not see it") {
  Workshop workshop;
  workshop.add("a");
  workshop.world.run_until(workshop.world.now() + 1s);
  workshop.shelf.is_torn = true;
  workshop.add("b");
  workshop.world.run_until(workshop.world.now() + 1s);
  // The next is given the state as it seems to be.
  workshop.add("c");
  workshop.shelf.find_out();
  workshop.world.run_until(workshop.world.now() + 1s);
  CHECK(workshop.answers == std::vector<std::string>{"1", "failed", "superseded"});
  workshop.add("d");
  workshop.world.run_until(workshop.world.now() + 1s);
  CHECK(workshop.answers.back() == "3");
  CHECK(document::print(*workshop.shelf.record.fields) == R"({"value":{"said":["a","b","d"],"rests":0}})");
}

}  // namespace callboard::sim::task_test
