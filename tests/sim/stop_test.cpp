// How a server stops while something is being written down.
#include <catch2/catch.hpp>

#include "base/document/build.h"
#include "base/limits.h"
#include "server/board/kept_sessions.h"
#include "tests/sim/hall.h"

namespace callboard::sim::stop_test {
namespace {

// A server that writes something down for as long as the test wants it to.
struct Writing : Hall {
  std::shared_ptr<server::CallRun> run;
  bool is_stopped = false;
  Caller& rigging = join("rigging");

  Writing() {
    on_server([this](server::Stage& stage) {
      stage.calls().registry().add_built_in(
          {.description = {.name = "write"},
           .run = server::LaterRun([this](const server::Caller&, const server::CallArguments&,
                                          std::shared_ptr<server::CallRun> given) {
             given->set_committing();
             run = std::move(given);
           })});
    });
    rigging.call("write", "{}");
    pass(1s);
  }
  ~Writing() {
    on_server([this](server::Stage&) { run.reset(); });
  }
  void written() {
    on_server([this](server::Stage&) { run->answer(document::make_text("written")); });
  }
  void stop() {
    on_server([this](server::Stage& stage) {
      stage.stop(Outcome::cancelled, "bedtime", [this] { is_stopped = true; });
    });
  }
};

}  // namespace

TEST_CASE("a server that stops answers what is being written down before it says goodbye") {
  Writing hall;
  REQUIRE(hall.run);
  hall.stop();
  hall.pass(1s);
  CHECK_FALSE(hall.is_stopped);
  CHECK_FALSE(hall.rigging.is_ended);
  // Nothing else is begun.
  hall.rigging.call("write", "{}");
  hall.pass(1s);
  CHECK(hall.rigging.answers == std::vector<std::string>{"the server stops: bedtime"});
  hall.written();
  hall.pass(1s);
  CHECK(hall.rigging.answers.back() == "\"written\"");
  CHECK(hall.rigging.is_ended);
  CHECK(hall.is_stopped);
}

TEST_CASE("who has the turn when it was written down is told so before the goodbye") {
  Writing hall;
  hall.rigging.pause_reading();
  hall.rigging.ask_for_turn();
  SECTION("while the server waits for that") {
    hall.stop();
    hall.pass(1s);
    hall.written();
  }
  SECTION("right before the server is stopped") {
    hall.pass(1s);
    hall.written();
    hall.stop();
  }
  hall.rigging.resume_reading();
  hall.pass(1s);
  CHECK(hall.rigging.answers == std::vector<std::string>{"\"written\""});
  CHECK(hall.rigging.is_ended);
  CHECK(hall.is_stopped);
}

TEST_CASE("a server that stops does not wait for ever for what is being written down") {
  Writing hall;
  hall.stop();
  hall.pass(kWrittenLimit - 1s);
  CHECK_FALSE(hall.is_stopped);
  CHECK_FALSE(hall.rigging.is_ended);
  hall.pass(2s);
  CHECK(hall.is_stopped);
  CHECK(hall.rigging.is_ended);
}

TEST_CASE("who loses the connection while something is written down may come back to the next server") {
  Writing hall;
  Caller& lighting = hall.join("lighting", Caller::Kind::resumable);
  hall.stop();
  hall.pass(1s);
  lighting.hang_up();
  hall.pass(1s);
  CHECK_FALSE(hall.is_stopped);
  hall.written();
  hall.pass(1s);
  REQUIRE(hall.is_stopped);
  const auto kept = server::kept_sessions_from(hall.disk.sessions);
  REQUIRE(kept);
  REQUIRE(kept->sessions.size() == 1);
  CHECK(kept->sessions[0].user.name == "lighting");
}

TEST_CASE("who was still about to join when the server stops does not") {
  Writing hall;
  Caller lighting(hall.world, "lighting");
  lighting.pause_reading();
  hall.pass(1s);
  hall.stop();
  lighting.resume_reading();
  hall.pass(1s);
  CHECK_FALSE(lighting.is_joined);
  CHECK(lighting.is_ended);
  CHECK_FALSE(hall.is_stopped);
}

TEST_CASE("a server that has nothing to write down stops at once") {
  Hall hall;
  Caller& rigging = hall.join("rigging");
  bool is_stopped = false;
  hall.on_server(
      [&](server::Stage& stage) { stage.stop(Outcome::cancelled, "bedtime", [&] { is_stopped = true; }); });
  hall.pass(100ms);
  CHECK(is_stopped);
  CHECK(rigging.is_ended);
}

}  // namespace callboard::sim::stop_test
