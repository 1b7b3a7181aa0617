// Locks that are broken by a server that ends in the middle of it.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/sim/hall.h"

namespace callboard::sim::lock_break_test {
namespace {

// How often it was written of a lock who takes it, for its owner to read.
std::ptrdiff_t count_marks(const Disk& disk) {
  const auto says_it = [](const server::Committed& each) {
    return each.operation.value != nullptr && each.operation.value->find("broken_by") != std::string::npos;
  };
  return std::ranges::count_if(disk.operations, says_it);
}

bool is_marked(const Disk& disk) { return count_marks(disk) > 0; }

}  // namespace

TEST_CASE("a lock that was marked as broken when the server was killed is nobody's after the start") {
  Hall hall;
  Caller& rigging = hall.join("rigging");
  Caller& lighting = hall.join("lighting");
  rigging.call("lock", R"({"item":"/a","lease_s":86400})");
  hall.pass(1s);
  REQUIRE(rigging.answers.size() == 1);
  hall.disk.sync_min = hall.disk.sync_max = 50ms;
  lighting.call("lock.break", R"({"item":"/a"})");
  for (int tries = 0; tries < 1000 && !is_marked(hall.disk); ++tries) hall.pass(1ms);
  REQUIRE(is_marked(hall.disk));
  hall.kill();
  CHECK(lighting.answers.empty());
  hall.start();
  Caller& comp = hall.join("comp");
  comp.call("lock.check", R"({"whole":true,"item":["/"]})");
  hall.pass(1s);
  CHECK(comp.answers == std::vector<std::string>{R"({"refused":false,"locks":[]})"});
  hall.pass(5s);
  comp.call("locks", "{}");
  hall.pass(1s);
  REQUIRE(comp.answers.size() == 2);
  CHECK(comp.answers[1] == "[]");
}

TEST_CASE("a lock that its owner renews all the while is broken all the same") {
  Hall hall;
  Caller& rigging = hall.join("rigging");
  Caller& lighting = hall.join("lighting");
  const std::string renewal = R"({"item":"/a","lease_s":86400})";
  rigging.call("lock", renewal);
  hall.pass(1s);
  REQUIRE(rigging.answers.size() == 1);
  hall.disk.sync_min = hall.disk.sync_max = 50ms;
  rigging.call("lock", renewal);
  lighting.call("lock.break", R"({"item":"/a"})");
  for (int i = 0; i < 1000 && lighting.answers.empty(); ++i) {
    rigging.call("lock", renewal);
    hall.pass(5ms);
  }
  REQUIRE(lighting.answers.size() == 1);
  CHECK(lighting.answers[0] == "null");
  CHECK(count_marks(hall.disk) > 1);
}

}  // namespace callboard::sim::lock_break_test
