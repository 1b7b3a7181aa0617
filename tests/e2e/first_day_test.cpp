// The first day of a studio, from `serve` to `abort`, as its people type it.
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/gate.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::first_day_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::write_file;

// Rigging has a Moria, lighting has nothing yet; both have joined.
struct Day : Studio {
  fs::path rigging = add_user("rigging");
  fs::path lighting = add_user("lighting");
  std::unique_ptr<Process> rigging_joined;
  std::unique_ptr<Process> lighting_joined;

  Day() {
    support::make_tree(rigging / "dev/chr/Moria",
                       {.seed = 7, .files = 30, .files_per_directory = 5, .size_max_bytes = 20'000});
    serve();
    rigging_joined = join("rigging");
    lighting_joined = join("lighting");
    wait_for_event(*rigging_joined, "user", [](const Json& each) { return each.at("name") == "lighting"; });
  }
};

TEST_CASE("whoever joins is found by discovery, listed, and announced to the others") {
  Day day;
  const auto shown = day.run("lighting", {"users"});
  CHECK(shown.ending.exit_code == 0);
  CHECK_THAT(shown.out, Contains("USER") && Contains("rigging") && Contains("lighting"));
  CHECK(shown.err.empty());
  const auto listed = objects(day.run("lighting", {"users", "--json"}).out);
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].at("name") == "rigging");
  CHECK(listed[0].at("shares") == true);
  CHECK(listed[1].at("name") == "lighting");
  CHECK(listed[0].at("session") != listed[1].at("session"));

  const auto found = objects(day.run("rigging", {"discover", "--wait", "0.2", "--json"}).out);
  REQUIRE(found.size() == 1);
  CHECK(found[0].at("project") == "Moria's Race");
  CHECK(found[0].at("access") == "open");
  CHECK(found[0].at("address").get<std::string>() + ":" + std::to_string(found[0].at("port").get<int>()) ==
        day.server_address());
}

TEST_CASE("a message is heard by everybody who is there and kept for those who ask later") {
  Day day;
  const auto said = day.run("lighting", {"say", "the new", "Moria is ready \xF0\x9F\x8E\xAC"});
  CHECK(said.ending.exit_code == 0);
  CHECK(said.out == "said as message 1\n");
  CHECK(said.err.empty());
  for (auto* each : {day.rigging_joined.get(), day.lighting_joined.get()}) {
    const auto heard = wait_for_event(*each, "message");
    CHECK(heard.at("text") == "the new Moria is ready \xF0\x9F\x8E\xAC");
    CHECK(heard.at("user") == "lighting");
  }
  CHECK(day.run("rigging", {"say", "thanks"}).ending.exit_code == 0);
  CHECK_THAT(day.run("rigging", {"messages"}).out,
             Contains("1  ") && Contains("lighting: the new Moria is ready") && Contains("rigging: thanks"));
  const auto after = objects(day.run("rigging", {"messages", "--since", "1", "--json"}).out);
  REQUIRE(after.size() == 1);
  CHECK(after[0].at("text") == "thanks");
  CHECK(after[0].at("number") == 2);
}

TEST_CASE("the story is what was set last, byte by byte, and everybody is told") {
  Day day;
  const auto none = day.run("lighting", {"story", "get"});
  CHECK(none.ending.exit_code == 3);
  CHECK_THAT(none.err, Contains("there is no story yet"));
  const std::string story = "{\n  \"acts\": [ \"Das Tör\", 1.50 ]\n}\n";
  write_file(day.rigging / "story.json", story);
  const auto set = day.run("rigging", {"story", "set", "story.json"});
  CHECK(set.err.empty());
  CHECK(set.ending.exit_code == 0);
  CHECK_THAT(set.out, Contains("story is at revision"));
  CHECK(wait_for_event(*day.lighting_joined, "story").at("by") == "rigging");
  CHECK(day.run("lighting", {"story", "get"}).out == story);
  CHECK(day.run("lighting", {"analytics", "get"}).ending.exit_code == 3);
  // Whoever joins later sees that they have joined, then what they found.
  day.add_user("modelling");
  const auto later = day.start("modelling", {"join"});
  REQUIRE(later->wait_for(Stream::out, "story is at revision"));
  CHECK_THAT(later->printed(Stream::out).substr(0, later->printed(Stream::out).find("story")),
             Contains("joined at"));

  write_file(day.rigging / "broken.json", "{\"acts\":");
  const auto broken = day.run("rigging", {"story", "set", "broken.json"});
  CHECK(broken.ending.exit_code == 2);
  CHECK_THAT(broken.err, Contains("JSON"));
  const auto missing = day.run("rigging", {"story", "set", "nothing.json"});
  CHECK_THAT(missing.err, Contains("read \"nothing.json\"") && Contains("no such file"));
  CHECK(missing.ending.exit_code == 3);
  CHECK(day.run("lighting", {"story", "get"}).out == story);
}

TEST_CASE("a story that arrives after a newer one loses, says what stands, and changes nothing") {
  Day day;
  write_file(day.rigging / "old.json", R"({"by":"rigging"})");
  write_file(day.lighting / "new.json", R"({"by":"lighting"})");
  Gate gate(day.server_address(), R"("verb":"story")");
  const auto late = day.start("rigging", {"story", "set", "old.json", "--server", gate.address(), "--json"});
  REQUIRE(gate.wait_until_held());
  REQUIRE(day.run("lighting", {"story", "set", "new.json"}).ending.exit_code == 0);
  gate.open();
  CHECK(exit_code(*late) == 5);
  CHECK_THAT(late->printed(Stream::err),
             Contains("it lost to something newer, or some of it did: what stands is story@") &&
                 Contains("`callboard show story@"));
  const auto told = objects(late->printed(Stream::out));
  REQUIRE(told.size() == 1);
  CHECK(told[0].at("won") == false);
  CHECK(told[0].at("by") == "lighting");
  CHECK(day.run("rigging", {"story", "get"}).out == "{\"by\":\"lighting\"}\n");
}

TEST_CASE("what somebody works on is told and remembered until they work on nothing") {
  Day day;
  CHECK(day.run("rigging", {"at", "/dev/chr/Moria"}).out == "you work on /dev/chr/Moria\n");
  const auto heard = wait_for_event(*day.lighting_joined, "at");
  CHECK(heard.at("name") == "rigging");
  CHECK(heard.at("item") == "/dev/chr/Moria");
  CHECK(objects(day.run("lighting", {"users", "--json"}).out).at(0).at("at") == "/dev/chr/Moria");
  CHECK(day.run("rigging", {"at"}).out == "you work on nothing now\n");
  CHECK(wait_for_event(*day.lighting_joined, "at").at("item") == "");
  CHECK(objects(day.run("lighting", {"users", "--json"}).out).at(0).at("at") == "");
}

TEST_CASE("a folder is looked at, pulled from a colleague, and then up to date") {
  Day day;
  const auto assets = day.run("lighting", {"assets"});
  CHECK_THAT(assets.out, Contains("/dev/chr/Moria") && Contains("rigging"));
  const auto looked = day.run("lighting", {"ls", "/dev/chr", "--from", "rigging"});
  CHECK_THAT(looked.out, Contains("new") && Contains("Moria/"));
  CHECK_FALSE(fs::exists(day.lighting / "dev"));
  const auto dry = day.run("lighting", {"pull", "/dev/chr/Moria", "--from", "rigging", "--dry-run"});
  CHECK_THAT(dry.out, Contains("would pull 30 files"));
  CHECK_FALSE(fs::exists(day.lighting / "dev"));

  const auto pulled = day.run("lighting", {"pull", "/dev/chr/Moria", "--from", "rigging"});
  CHECK(pulled.ending.exit_code == 0);
  CHECK_THAT(pulled.out, Contains("pulled 30 files") && Contains("from rigging"));
  CHECK(support::differences(day.rigging / "dev", day.lighting / "dev") == support::kNoDifference);
  CHECK(day.run("lighting", {"pull", "/dev/chr/Moria"}).out == "up to date with rigging\n");
  const auto same = objects(day.run("lighting", {"ls", "/dev/chr", "--from", "rigging", "--json"}).out);
  REQUIRE(same.size() == 1);
  CHECK(same[0].at("path") == "dev/chr/Moria");
  CHECK(same[0].at("here") == "same");
  CHECK(same[0].at("files") == 30);
  const auto giving = wait_for_event(*day.rigging_joined, "giving");
  CHECK(giving.at("taker") == "lighting");
  const auto given = wait_for_event(*day.rigging_joined, "given", [&](const Json& each) {
    return each.at("transfer") == giving.at("transfer");
  });
  CHECK(given.at("outcome") == "done");
}

TEST_CASE("the giver is told of each of several items that are taken at once") {
  Day day;
  write_file(day.rigging / "pln/plan.txt", "plan");
  REQUIRE(day.run("lighting", {"pull", "pln", "/dev/chr/Moria", "--from", "rigging"}).ending.exit_code == 0);
  CHECK(wait_for_event(*day.rigging_joined, "giving").at("item") == "/pln, /dev/chr/Moria");
}

TEST_CASE("only what matches the patterns is pulled, and / is all of it") {
  Day day;
  write_file(day.rigging / "pln/plan.txt", "plan");
  write_file(day.rigging / "pln/plan.tmp", "scratch");
  CHECK(day.run("lighting", {"pull", "/", "--from", "rigging", "--include", "/pln/**", "--exclude", "*.tmp"})
            .ending.exit_code == 0);
  CHECK(support::read_file(day.lighting / "pln/plan.txt") == "plan");
  CHECK_FALSE(fs::exists(day.lighting / "pln/plan.tmp"));
  CHECK_FALSE(fs::exists(day.lighting / "dev/chr/Moria/group-0"));
  CHECK(day.run("lighting", {"pull", "/", "--from", "rigging"}).ending.exit_code == 0);
  CHECK(support::differences(day.rigging, day.lighting) == support::kNoDifference);
}

TEST_CASE("looking into a colleague's folder is nothing that they are told as given") {
  Day day;
  REQUIRE(day.run("lighting", {"ls", "/dev", "--from", "rigging"}).ending.exit_code == 0);
  REQUIRE(day.run("lighting", {"pull", "/dev", "--from", "rigging"}).ending.exit_code == 0);
  wait_for_event(*day.rigging_joined, "giving");
  wait_for_event(*day.rigging_joined, "given");
  CHECK(events(day.rigging_joined->printed(Stream::out), "given").size() == 1);
}

TEST_CASE("abort stops the server in an orderly way, and everybody learns why") {
  Day day;
  const auto status = day.run("rigging", {"status"});
  CHECK_THAT(status.out,
             Contains("Moria's Race") && Contains("2 users, 0 visits") && Contains("transfers none"));
  CHECK_THAT(day.run("rigging", {"status", "--name", "guest"}).out, Contains("2 users, 1 visit,"));
  const auto aborted = day.run("lighting", {"abort"});
  CHECK(aborted.ending.exit_code == 0);
  CHECK_THAT(aborted.out, Contains("stopped \"Moria's Race\" at 127.0.0.1"));
  CHECK(exit_code(day.server()) == 0);
  CHECK_THAT(day.server().printed(Stream::err), Contains("stopped by an abort from 127.0.0.1"));
  for (auto* each : {day.rigging_joined.get(), day.lighting_joined.get()}) {
    const auto left = wait_for_event(*each, "left");
    CHECK(left.at("outcome") == "cancelled");
    CHECK(left.at("why") == "stopped by an abort from 127.0.0.1");
    CHECK(left.at("rejoins") == true);
  }
  const auto alone = day.run("lighting", {"users"});
  CHECK(alone.ending.exit_code == 3);
  CHECK_THAT(alone.err, Contains("no server of project \"Moria's Race\" answers"));
}

TEST_CASE("a server that comes back elsewhere is found again, with all that was agreed") {
  Day day;
  write_file(day.rigging / "story.json", "[1]");
  REQUIRE(day.run("rigging", {"story", "set", "story.json"}).ending.exit_code == 0);
  REQUIRE(day.run("rigging", {"say", "before"}).ending.exit_code == 0);
  day.server().send_signal(SIGTERM);
  CHECK(exit_code(day.server()) == 0);
  const auto before = day.server_address();
  day.serve();
  CHECK(day.server_address() != before);
  wait_for_event(*day.rigging_joined, "joined");
  CHECK(day.run("lighting", {"story", "get"}).out == "[1]\n");
  CHECK_THAT(day.run("lighting", {"messages"}).out, Contains("rigging: before"));
}

}  // namespace
}  // namespace callboard::e2e::first_day_test
