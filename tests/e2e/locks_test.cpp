// Locks, from the command line.
#include <catch2/catch.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e {
namespace {

using Catch::Contains;

struct Desk : Studio {
  Desk() {
    add_user("rigging");
    add_user("lighting");
    serve();
  }
  int code(const std::string& user, std::vector<std::string> words) const {
    return run(user, std::move(words)).ending.exit_code;
  }
};

}  // namespace

TEST_CASE("an item is locked, refused to another, waited for and given back") {
  Desk desk;
  const auto joined = desk.join("rigging");
  REQUIRE(desk.code("rigging", {"lock", "/dev/chr/Moria", "--note", "new rig"}) == 0);
  const auto refused = desk.run("lighting", {"lock", "/dev/chr/Moria"});
  CHECK(refused.ending.exit_code == 6);
  CHECK_THAT(refused.err, Contains("\"/dev/chr/Moria\" is locked by \"rigging\": new rig"));
  CHECK(desk.code("lighting", {"unlock", "/dev/chr/Moria"}) == 6);
  CHECK(desk.code("lighting", {"lock", "/dev/chr/Moria", "--request"}) == 0);
  const auto listed = desk.run("lighting", {"locks", "/dev"});
  CHECK_THAT(listed.out,
             Contains("/dev/chr/Moria  rigging") && Contains("new rig") && Contains("asked for by lighting"));

  const auto waiting = desk.start("lighting", {"lock", "/dev/chr/Moria", "--wait"});
  REQUIRE(waiting->wait_for(Stream::err, "is locked: waiting until it is free"));
  CHECK(desk.code("rigging", {"unlock", "/dev/chr/Moria"}) == 0);
  CHECK(exit_code(*waiting) == 0);
  CHECK(desk.code("rigging", {"lock", "/dev/chr/Moria"}) == 6);
  CHECK(desk.code("rigging", {"unlock", "/dev/chr/Moria", "--break"}) == 0);
  CHECK(desk.code("rigging", {"unlock", "/dev/chr/Moria"}) == 3);
}

TEST_CASE("who stops waiting does not get the lock") {
  Desk desk;
  const auto joined = desk.join("rigging");
  REQUIRE(desk.code("rigging", {"lock", "/a"}) == 0);
  const auto waiting = desk.start("lighting", {"lock", "/a", "--wait"});
  REQUIRE(waiting->wait_for(Stream::err, "is locked: waiting until it is free"));
  waiting->send_signal(SIGINT);
  CHECK(exit_code(*waiting) == 130);
  CHECK(desk.code("rigging", {"unlock", "/a"}) == 0);
  CHECK(desk.run("rigging", {"locks"}).out.empty());
}

TEST_CASE("a lock goes with the join that has it, and lasts over a restart of the server") {
  Desk desk;
  const auto joined = desk.join("rigging");
  REQUIRE(desk.code("rigging", {"lock", "/a"}) == 0);
  desk.kill_server();
  desk.serve();
  wait_for_event(*joined, "joined");
  CHECK(desk.code("lighting", {"lock", "/a"}) == 6);
  joined->send_signal(SIGINT);
  CHECK(exit_code(*joined) == 130);
  CHECK(desk.code("lighting", {"lock", "/a", "--wait"}) == 0);
}

TEST_CASE("a pull of what somebody else has locked says so, or is refused") {
  Desk desk;
  support::make_tree(desk.folder("rigging") / "dev/chr/Moria",
                     {.seed = 3, .files = 3, .files_per_directory = 4, .size_max_bytes = 900});
  const auto joined = desk.join("rigging");
  REQUIRE(desk.code("rigging", {"lock", "/dev/chr/Moria"}) == 0);
  const auto warned = desk.run("lighting", {"pull", "/dev/chr/Moria", "--from", "rigging"});
  CHECK(warned.ending.exit_code == 0);
  CHECK_THAT(warned.err, Contains("\"/dev/chr/Moria\" is locked by \"rigging\""));
  CHECK(desk.code("lighting", {"pull", "/dev/chr/Moria", "--from", "rigging", "--unless-locked"}) == 6);
}

}  // namespace callboard::e2e
