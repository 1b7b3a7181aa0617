// Locks while the disk takes its time, or nothing.
#include <catch2/catch.hpp>

#include "tests/sim/hall.h"

namespace callboard::sim::lock_moments_test {
namespace {

std::string locks(Hall& hall, Caller& by) {
  by.call("locks", "{}");
  hall.pass(10s);
  REQUIRE_FALSE(by.answers.empty());
  return by.answers.back();
}

}  // namespace

TEST_CASE("who gives up while what they want is being freed waits for nothing afterwards") {
  Hall hall;
  Caller& rigging = hall.join("rigging");
  Caller& lighting = hall.join("lighting");
  Caller& comp = hall.join("comp");
  rigging.call("lock", R"({"item":"/a","lease_s":10})");
  hall.pass(9s);
  REQUIRE(rigging.answers.size() == 1);
  hall.disk.sync_min = hall.disk.sync_max = 5s;
  hall.pass(2s);
  // It has ended, and is still there.
  lighting.call("lock", R"({"item":"/a","wait":true})");
  hall.pass(100ms);
  comp.call("lock", R"({"item":"/a/b"})");
  hall.pass(100ms);
  protocol::CallCancelAsk cancel;
  cancel.call = 1;
  lighting.ask(cancel);
  hall.pass(60s);
  REQUIRE(comp.answers.size() == 1);
  const std::string now = locks(hall, rigging);
  CHECK(now.find(R"("user":"comp")") != std::string::npos);
  CHECK(now.find("lighting") == std::string::npos);
}

TEST_CASE("who was to be handed an item, which failed, gets it when it is their turn") {
  Hall hall;
  Caller& rigging = hall.join("rigging");
  Caller& lighting = hall.join("lighting");
  Caller& comp = hall.join("comp");
  rigging.call("lock", R"({"item":"/a"})");
  hall.pass(1s);
  comp.call("lock", R"({"item":"/a","wait":true})");
  hall.pass(1s);
  lighting.call("lock", R"({"item":"/a","wait":true})");
  hall.pass(1s);
  hall.disk.is_full = true;
  rigging.call("unlock", R"({"item":"/a","to":"lighting"})");
  hall.pass(1s);
  REQUIRE(rigging.answers.size() == 2);
  CHECK(rigging.answers[1] == "write to the project's log: no space left on device");
  hall.disk.is_full = false;
  hall.pass(10s);
  rigging.call("unlock", R"({"item":"/a"})");
  hall.pass(10s);
  REQUIRE(comp.answers.size() == 1);
  CHECK(comp.answers[0].find("\"user\":\"comp\"") != std::string::npos);
  CHECK(lighting.answers == std::vector<std::string>());
}

TEST_CASE("an item that is handed to somebody who leaves before it is written down is free") {
  Hall hall;
  Caller& rigging = hall.join("rigging");
  Caller& lighting = hall.join("lighting");
  rigging.call("lock", R"({"item":"/a"})");
  hall.pass(1s);
  hall.disk.sync_min = hall.disk.sync_max = 5s;
  rigging.call("unlock", R"({"item":"/a","to":"lighting"})");
  hall.pass(100ms);
  lighting.hang_up();
  hall.pass(60s);
  CHECK(rigging.answers.back() == "\"lighting\" has left before it was locked");
  CHECK(locks(hall, rigging) == "[]");
}

}  // namespace callboard::sim::lock_moments_test
