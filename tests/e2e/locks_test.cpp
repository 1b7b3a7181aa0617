// Locks, from the command line.
#include <catch2/catch.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/e2e/keyed_studio.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::locks_test {
namespace {

using Catch::Contains;

struct Desk : Studio {
  explicit Desk(const std::vector<std::string>& more = {}) {
    add_user("rigging");
    add_user("lighting");
    serve(more);
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
  CHECK(desk.run("lighting", {"locks", "dev"}).out == listed.out);
  CHECK(desk.run("lighting", {"locks", "de*"}).ending.exit_code == 2);
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

TEST_CASE("whoever has a lock is told who broke it and why, and the audit has it") {
  Desk desk;
  const auto joined = desk.join("rigging");
  REQUIRE(desk.code("rigging", {"lock", "/dev/chr/Moria"}) == 0);
  CHECK(desk.code("lighting", {"unlock", "/dev/chr/Moria", "--note", "deadline"}) == 2);
  CHECK(desk.code("lighting", {"unlock", "/dev/chr/Moria", "--break", "--note", "deadline"}) == 0);
  const Json lost = wait_for_event(*joined, "unlocked");
  CHECK(lost.at("item") == "/dev/chr/Moria");
  CHECK(lost.at("by") == "lighting");
  CHECK(lost.at("note") == "deadline");
  CHECK_THAT(desk.run("lighting", {"audit"}).out,
             Contains("lock_break  lighting -> rigging") && Contains("/dev/chr/Moria: deadline"));
}

TEST_CASE("a lease is of whole seconds") {
  Desk desk;
  const auto refused = desk.run("rigging", {"lock", "/dev/chr/Moria", "--lease", "1.5"});
  CHECK(refused.ending.exit_code == 2);
  CHECK_THAT(refused.err, Contains("--lease 1.5: expected whole seconds"));
  CHECK(desk.code("rigging", {"lock", "/dev/chr/Moria", "--lease", "60"}) == 0);
}

TEST_CASE("an empty note or heir is not passed over") {
  Desk desk;
  REQUIRE(desk.code("rigging", {"lock", "/a"}) == 0);
  CHECK(desk.code("rigging", {"unlock", "/a", "--note", ""}) == 2);
  CHECK(desk.code("rigging", {"unlock", "/a", "--to", ""}) == 2);
  CHECK(desk.code("rigging", {"unlock", "/a"}) == 0);
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

TEST_CASE("who waits for a lock waits on after the server was killed, with a join and without") {
  Desk desk;
  const bool has_join = GENERATE(false, true);
  const auto joined = desk.join("rigging");
  const auto own = has_join ? desk.join("lighting") : nullptr;
  REQUIRE(desk.code("rigging", {"lock", "/a"}) == 0);
  const auto waiting = desk.start("lighting", {"lock", "/a", "--wait"});
  REQUIRE(waiting->wait_for(Stream::err, "is locked: waiting until it is free"));
  desk.kill_server();
  desk.serve();
  REQUIRE(waiting->wait_for(Stream::err, "the server is there again"));
  REQUIRE(waiting->wait_for(Stream::err, "is locked: waiting until it is free"));
  CHECK(desk.code("rigging", {"unlock", "/a"}) == 0);
  CHECK(exit_code(*waiting) == 0);
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
  // Of what has no name that could be locked counts what encloses it.
  const auto nameless =
      desk.run("lighting", {"pull", "/dev/chr/Moria/\xff", "--from", "rigging", "--unless-locked"});
  CHECK(nameless.ending.exit_code == 6);
  CHECK_THAT(nameless.err, Contains("\"/dev/chr/Moria\" is locked by \"rigging\""));
  CHECK_FALSE(desk.code("lighting", {"pull", "/dev/chr/\xff", "--from", "rigging", "--unless-locked"}) == 6);
}

TEST_CASE("whoever has a lock is told who wants it, and hands it over with the command that is told") {
  Desk desk;
  const auto rigging = desk.join("rigging");
  const auto lighting = desk.join("lighting");
  REQUIRE(desk.code("rigging", {"lock", "/dev/chr/Moria"}) == 0);
  CHECK(wait_for_event(*rigging, "lock").at("item") == "/dev/chr/Moria");
  REQUIRE(desk.code("lighting", {"lock", "/dev/chr/Moria", "--request"}) == 0);
  const Json asked = wait_for_event(*rigging, "lock_wanted");
  CHECK(asked.at("user") == "lighting");
  CHECK(asked.at("waits") == false);
  CHECK(asked.at("command") == "callboard unlock /dev/chr/Moria --to lighting");
  const auto handed = desk.run("rigging", {"unlock", "/dev/chr/Moria", "--to", "lighting"});
  CHECK(handed.ending.exit_code == 0);
  CHECK(handed.out == "/dev/chr/Moria is lighting's now\n");
  CHECK(wait_for_event(*lighting, "lock").at("user") == "lighting");
  CHECK(desk.code("rigging", {"unlock", "/dev/chr/Moria"}) == 6);
  const auto waiting = desk.start("rigging", {"lock", "/dev/chr/Moria", "--wait"});
  const Json waits = wait_for_event(*lighting, "lock_wanted");
  CHECK(waits.at("waits") == true);
  CHECK(waits.at("command") == "callboard unlock /dev/chr/Moria");
  CHECK_THAT(desk.run("lighting", {"locks"}).out, Contains("waited for by rigging"));
  CHECK(desk.code("lighting", {"unlock", "/dev/chr/Moria"}) == 0);
  CHECK(exit_code(*waiting) == 0);
}

TEST_CASE("who writes to what somebody else has locked is told by whom, since when and why") {
  Desk desk;
  const auto rigging = desk.join("rigging");
  const auto lighting = desk.join("lighting");
  REQUIRE(desk.code("rigging", {"lock", "/dev/chr/Moria", "--note", "new rig"}) == 0);
  REQUIRE(desk.code("rigging", {"lock", "/story/title"}) == 0);
  const auto at = desk.run("lighting", {"at", "/dev/chr/Moria/tex", "--json"});
  CHECK(at.ending.exit_code == 0);
  CHECK_THAT(at.err, Contains("\"/dev/chr/Moria\" is locked by \"rigging\" since ") && Contains(": new rig"));
  const auto warnings = events(at.out, "warning");
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].at("item") == "/dev/chr/Moria");
  CHECK(warnings[0].at("user") == "rigging");
  CHECK(warnings[0].at("note") == "new rig");
  CHECK_FALSE(warnings[0].at("since").get<std::string>().empty());
  support::write_file(desk.folder("lighting") / "story.json", "{\"title\":\"Moria\",\"scenes\":[]}");
  const auto whole = desk.run("lighting", {"story", "set", "story.json"});
  CHECK(whole.ending.exit_code == 0);
  CHECK_THAT(whole.err, Contains("\"/story/title\" is locked by \"rigging\""));
  CHECK(desk.run("lighting", {"story", "set", "--at", "/scenes/-", "1"}).err.empty());
  CHECK_THAT(desk.run("lighting", {"story", "set", "--at", "/title", "\"x\""}).err, Contains("is locked"));
  CHECK(desk.run("rigging", {"story", "set", "--at", "/title", "\"y\""}).err.empty());
}

TEST_CASE("who may not know what is locked is told that it is not known, and writes") {
  KeyedStudio studio;
  const auto roles = studio.home() / "data/callboard/Moria%27s Race/roles.json";
  support::write_file(roles, R"({"writer": ["story.write"]})");
  std::filesystem::permissions(roles, std::filesystem::perms(0600));
  studio.keep("lighting", studio.add("lighting", {"--role", "writer"}));
  studio.serve();
  support::write_file(studio.lighting / "story.json", "{}");
  const auto written = studio.run("lighting", {"story", "set", "story.json"});
  INFO(written.err);
  CHECK(written.ending.exit_code == 0);
  CHECK_THAT(written.err, Contains("warning: what others have locked is not known: "));
}

TEST_CASE("where the server refuses writes to what is locked, they end with exit code 6, and so do pulls") {
  Desk desk({"--locks", "refuse"});
  support::make_tree(desk.folder("rigging") / "dev/chr/Moria",
                     {.seed = 3, .files = 3, .files_per_directory = 4, .size_max_bytes = 900});
  const auto rigging = desk.join("rigging");
  const auto lighting = desk.join("lighting");
  REQUIRE(desk.code("rigging", {"lock", "/dev/chr/Moria", "--note", "new rig"}) == 0);
  const auto refused = desk.run("lighting", {"at", "/dev/chr/Moria"});
  CHECK(refused.ending.exit_code == 6);
  CHECK_THAT(refused.err, Contains("error: \"/dev/chr/Moria\" is locked by \"rigging\" since"));
  CHECK(desk.code("lighting", {"pull", "/dev", "--from", "rigging"}) == 6);
  CHECK(desk.code("rigging", {"at", "/dev/chr/Moria"}) == 0);
  CHECK(desk.code("rigging", {"unlock", "/dev/chr/Moria"}) == 0);
  CHECK(desk.code("lighting", {"pull", "/dev", "--from", "rigging"}) == 0);
  auto command =
      desk.command(0, {"serve", "--project", "p", "--data", (desk.home() / "d").native(), "--locks", "no"});
  const auto bad = support::run(std::move(command));
  CHECK(bad.ending.exit_code == 2);
  CHECK_THAT(bad.err, Contains("--locks \"no\": expected warn or refuse"));
}

TEST_CASE("a join says when a file was changed in its folder that somebody else has locked") {
  Desk desk;
  support::write_file(desk.folder("lighting") / "dev/chr/Moria/rig.blend", "old");
  const auto rigging = desk.join("rigging");
  const auto lighting = desk.join("lighting");
  REQUIRE(desk.code("rigging", {"lock", "/dev/chr/Moria", "--note", "new rig"}) == 0);
  support::write_file(desk.folder("lighting") / "dev/chr/Moria/rig.blend", "new");
  const Json warned = wait_for_event(*lighting, "warning");
  CHECK(warned.at("about") == "lock");
  CHECK(warned.at("item") == "/dev/chr/Moria");
  CHECK(warned.at("user") == "rigging");
}

}  // namespace callboard::e2e::locks_test
