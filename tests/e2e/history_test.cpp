// What the story was, who met whom in it, and its backup: through the program, from the command line to the disk.
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/limits.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::history_test {
namespace {

using Catch::Contains;

constexpr const char* kStory =
    R"({"title":"Moria","scenes":[{"id":1,"note":"dark"},{"id":2,"note":"bright"}]})";

struct Desk : Studio {
  Desk() {
    add_user("rigging");
    add_user("lighting");
    support::write_file(folder("rigging") / "story.json", kStory);
    serve();
    const auto set = run("rigging", {"story", "set", "story.json", "--json"});
    REQUIRE(set.ending.exit_code == 0);
    first = objects(set.out).at(0).at("number").get<std::uint64_t>();
  }

  std::string version(std::uint64_t revision) const { return "story@" + std::to_string(revision); }

  std::uint64_t first = 0;
};

TEST_CASE("a base that is still to come is refused with the newest there is, and nothing is changed") {
  Desk desk;
  for (const bool is_joined : {false, true}) {
    CAPTURE(is_joined);
    const auto joined = is_joined ? desk.join("lighting") : nullptr;
    const auto future = desk.run("lighting", {"story", "set", "--at", "/title", "\"x\"", "--base", "99"});
    CHECK(future.ending.exit_code == 2);
    CHECK(future.err ==
          "error: --base 99: there is no such revision, the newest is " + desk.version(desk.first) + "\n");
    support::write_file(desk.folder("lighting") / "a.json", "{}");
    const auto none = desk.run("lighting", {"analytics", "set", "a.json", "--base", "1"});
    CHECK(none.ending.exit_code == 2);
    CHECK_THAT(none.err, Contains("there is no analytics yet"));
  }
  CHECK(desk.run("rigging", {"story", "get", "--at", "/title"}).out == "\"Moria\"\n");
  const auto current =
      desk.run("lighting", {"story", "set", "--at", "/title", "\"x\"", "--base", std::to_string(desk.first)});
  CHECK(current.ending.exit_code == 0);
}

TEST_CASE("where there is no history that is said, and a version's number begins with 1") {
  Desk desk;
  CHECK(desk.run("rigging", {"history", "analytics"}).err == "there is no analytics yet\n");
  CHECK(desk.run("rigging", {"history", "story", "--item", "/nothing"}).err == "nothing was changed there\n");
  for (const std::string version : {"story@0", "/reviews/sc01@0", "/reviews/sc01@x", "/reviews/sc01@"}) {
    const auto restored = desk.run("rigging", {"restore", version});
    CHECK(restored.ending.exit_code == 2);
    CHECK_THAT(restored.err, Contains("expected a version like") && Contains(version));
  }
}

TEST_CASE("a backup of another project is refused by both names, and nothing is made of it") {
  Desk desk;
  const std::string copy = (desk.home() / "copy").string();
  REQUIRE(desk.run("rigging", {"backup", copy}).ending.exit_code == 0);
  const auto other = support::run(desk.command(0, {"serve", "--project", "Moria's Rice", "--restore", copy}));
  CHECK(other.ending.exit_code == 4);
  CHECK_THAT(other.err, Contains("is of project \"Moria's Race\"") && Contains("\"Moria's Rice\""));
  CHECK_FALSE(std::filesystem::exists(desk.home() / "data/callboard/Moria%27s Rice/board.sqlite"));
  desk.kill_server();
  std::filesystem::remove_all(desk.home() / "data");
  desk.serve({"--restore", copy});
  CHECK(desk.run("rigging", {"story", "get"}).out == std::string(kStory) + "\n");
}

TEST_CASE("a part of the story is changed, listed, shown, compared and brought back") {
  Desk desk;
  const auto part = desk.run("lighting", {"story", "set", "--at", "/scenes/2/note", "\"dim\"", "--json"});
  REQUIRE(part.ending.exit_code == 0);
  const auto second = objects(part.out).at(0).at("number").get<std::uint64_t>();
  CHECK(desk.run("rigging", {"story", "get", "--at", "/scenes/2/note"}).out == "\"dim\"\n");
  CHECK(desk.run("rigging", {"story", "get", "--at", "/acts"}).ending.exit_code == 3);
  CHECK(desk.run("rigging", {"story", "set", "--at", "/acts/1", "1"}).ending.exit_code == 3);

  const auto listed = objects(desk.run("rigging", {"history", "story", "--json"}).out);
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].at("revision") == second);
  CHECK(listed[0].at("user") == "lighting");
  CHECK(listed[0].at("at") == "/scenes/id=2/note");
  const auto about = objects(desk.run("rigging", {"history", "story", "--item", "/title", "--json"}).out);
  REQUIRE(about.size() == 1);
  CHECK(about[0].at("revision") == desk.first);
  CHECK(desk.run("rigging", {"history", "story", "--since", "yesterday"}).ending.exit_code == 2);

  CHECK(desk.run("rigging", {"show", desk.version(desk.first)}).out == std::string(kStory) + "\n");
  const auto difference = desk.run("rigging", {"diff", desk.version(desk.first), desk.version(second)});
  CHECK_THAT(difference.out, Contains("~ /scenes/1/note: \"bright\" -> \"dim\""));
  const auto patch =
      objects(desk.run("rigging", {"diff", desk.version(desk.first), desk.version(second), "--json"}).out);
  CHECK(patch.at(0).at("patch").dump() == R"([{"op":"replace","path":"/scenes/1/note","value":"dim"}])");

  CHECK(desk.run("rigging", {"restore", desk.version(desk.first)}).ending.exit_code == 0);
  CHECK(desk.run("lighting", {"story", "get"}).out == std::string(kStory) + "\n");
  CHECK(objects(desk.run("rigging", {"history", "story", "--json"}).out).size() == 3);
  CHECK(desk.run("rigging", {"show", "story@99"}).ending.exit_code == 3);
  CHECK(desk.run("rigging", {"show", "story"}).ending.exit_code == 2);
}

TEST_CASE("two who change the same part are told by join, and the conflict is listed and settled") {
  Desk desk;
  const auto joined = desk.join("rigging");
  const std::string base = std::to_string(desk.first);
  CHECK(
      desk.run("rigging", {"story", "set", "--at", "/title", "\"Balin\"", "--base", base}).ending.exit_code ==
      0);
  const auto met = desk.run("lighting", {"story", "set", "--at", "/title", "\"Khazad\"", "--base", base});
  CHECK(met.ending.exit_code == 5);
  CHECK(met.err ==
        "error: story /title met a change of \"rigging\": yours stands, theirs is in conflict 1; see "
        "`callboard conflicts`\n");
  CHECK(desk.run("lighting", {"story", "set", "--at", "/scenes/1/note", "\"x\"", "--base", base})
            .ending.exit_code == 0);

  const Json told = wait_for_event(*joined, "conflict");
  CHECK(told.at("at") == "/title");
  CHECK(told.at("winner").at("user") == "lighting");
  CHECK(told.at("loser").at("value") == "Balin");
  const auto listed = objects(desk.run("rigging", {"conflicts", "--json"}).out);
  REQUIRE(listed.size() == 1);
  const std::string number = std::to_string(listed[0].at("number").get<int>());
  CHECK_FALSE(listed[0].contains("now"));
  CHECK_THAT(desk.run("rigging", {"conflicts"}).out,
             Contains("stands  lighting, ") && Contains(": \"Khazad\"\n"));
  // Whoever decides is to see what there is now, and that it is neither of the two.
  const auto third = desk.run("rigging", {"story", "set", "--at", "/title", "\"Durin\"", "--json"});
  const auto revision = objects(third.out).at(0).at("number").get<std::uint64_t>();
  const auto changed = desk.run("lighting", {"conflicts"});
  CHECK_THAT(changed.out, Contains(": \"Durin\" (changed since, see " + desk.version(revision) + ")\n") &&
                              Contains("   won     lighting, ") && Contains(": \"Khazad\"\n") &&
                              Contains("   lost    rigging, ") && Contains(": \"Balin\"\n"));
  const Json now = objects(desk.run("lighting", {"conflicts", "--json"}).out).at(0).at("now");
  CHECK((now.at("value") == "Durin" && now.at("user") == "rigging" && now.at("revision") == revision));
  // What is long is not printed for each conflict about it, and what won counts as itself, whoever put it back.
  const std::string song = '"' + std::string(2000, 'x') + '"';
  const auto long_one = desk.run("rigging", {"story", "set", "--at", "/title", song, "--json"});
  const auto longer = objects(long_one.out).at(0).at("number").get<std::uint64_t>();
  CHECK_THAT(desk.run("lighting", {"conflicts"}).out,
             Contains(": see " + desk.version(longer) + " (changed since)\n"));
  const Json cut = objects(desk.run("lighting", {"conflicts", "--json"}).out).at(0).at("now");
  CHECK((cut.at("is_long") == true && cut.at("revision") == longer && !cut.contains("value")));
  REQUIRE(desk.run("rigging", {"story", "set", "--at", "/title", "\"Khazad\""}).ending.exit_code == 0);
  CHECK_FALSE(objects(desk.run("rigging", {"conflicts", "--json"}).out).at(0).contains("now"));
  CHECK(desk.run("rigging", {"resolve", number, "--take-lost"}).ending.exit_code == 0);
  CHECK(desk.run("rigging", {"story", "get", "--at", "/title"}).out == "\"Balin\"\n");
  CHECK_THAT(desk.run("rigging", {"conflicts"}).err, Contains("there are none"));
  CHECK(desk.run("rigging", {"resolve", number}).ending.exit_code == 3);
}

// A patch that makes each of so many shots that long.
std::string patch_of_shots(int count, int length) {
  Json patch = Json::array();
  for (int shot = 0; shot < count; ++shot) {
    patch.push_back(
        {{"op", "replace"}, {"path", "/shots/" + std::to_string(shot) + "/length"}, {"value", length}});
  }
  return patch.dump();
}

// One who changed 150 shots, made from what the server cannot compare with any more: others said too much since then.
struct ManyShots : Studio {
  static constexpr int kShots = 150;

  ManyShots() {
    for (const std::string user : {"rigging", "lighting"}) add_user(user);
    Json story;
    for (int shot = 0; shot < kShots; ++shot) story["shots"].push_back({{"id", shot}, {"length", 24}});
    serve();
    const std::string base = std::to_string(change("lighting", {"set"}, story.dump()));
    change("lighting", {"patch", "--base", base}, patch_of_shots(kShots, 30));
    // Of 32 MiB of changes the server knows what they say.
    const Json note{{"op", "add"}, {"path", "/note"}, {"value", std::string(11 * MiB, 'x')}};
    for (int i = 0; i < 3; ++i) change("lighting", {"patch", "--base", base}, Json::array({note}).dump());
    joined = join("rigging");
    support::write_file(folder("rigging") / "mine.json", patch_of_shots(kShots, 48));
    late = run("rigging", {"story", "patch", "mine.json", "--base", base});
  }

  // Gives the revision that it became.
  std::uint64_t change(const std::string& user, std::vector<std::string> words, const std::string& content) {
    support::write_file(folder(user) / "change.json", content);
    words.insert(words.begin(), "story");
    words.insert(words.end(), {"change.json", "--json"});
    const auto changed = run(user, words);
    if (changed.ending.exit_code != 0) throw std::runtime_error(changed.err);
    return objects(changed.out).at(0).at("number").get<std::uint64_t>();
  }
  Json length_of(int shot) const {
    const auto got = run("rigging", {"story", "get", "--at", "/shots/" + std::to_string(shot) + "/length"});
    return Json::parse(got.out);
  }

  std::unique_ptr<Process> joined;
  Finished late;
};

TEST_CASE("who overwrites what was written twice in one place is told of one place and both conflicts") {
  Desk desk;
  const auto write = [&](const std::string& user, const std::string& title) {
    return desk.run(user, {"story", "set", "--at", "/title", title, "--base", std::to_string(desk.first)});
  };
  REQUIRE(write("rigging", "\"Balin\"").ending.exit_code == 0);
  // Whoever says that the base is old has not seen the first one either.
  REQUIRE(write("rigging", "\"Oin\"").ending.exit_code == 5);
  CHECK(write("lighting", "\"Khazad\"").err ==
        "error: these changes met somebody else's in one place, 2 conflicts; see `callboard conflicts`\n");
  CHECK(objects(desk.run("lighting", {"conflicts", "--json"}).out).size() == 2);
}

TEST_CASE("of many places that met what is forgotten the last conflict is about all that are left") {
  ManyShots desk;
  CHECK(desk.late.ending.exit_code == 5);
  CHECK(desk.late.err ==
        "error: these changes met somebody else's in 150 places, 100 conflicts; see `callboard "
        "conflicts`\n");
  const auto listed = objects(desk.run("lighting", {"conflicts", "--json"}).out);
  REQUIRE(listed.size() == 100);
  CHECK_FALSE(listed[98].contains("places"));
  CHECK(listed[98].at("at") == "/shots/id=98/length");
  const Json& rest = listed[99];
  CHECK((rest.at("at") == "/shots" && rest.at("places") == 51));
  CHECK_FALSE(rest.at("loser").contains("value"));
  const std::string number = std::to_string(rest.at("number").get<int>());
  CHECK_THAT(desk.run("lighting", {"conflicts"}).out,
             Contains("\n" + number + "  story /shots, 51 places within it\n"));
  const Json told = wait_for_event(*desk.joined, "conflict",
                                   [&](const Json& each) { return each.at("number") == rest.at("number"); });
  CHECK(told.at("places") == 51);
  const auto joined = desk.start("lighting", {"join"});
  const auto line = joined->wait_for_line(Stream::out, [&](std::string_view each) {
    return each.find("conflict " + number + ":") != std::string_view::npos;
  });
  REQUIRE(line);
  CHECK_THAT(*line, Contains("both changed story /shots, 51 places within it; rigging's is the newer"));

  const auto refused = desk.run("rigging", {"resolve", number, "--value", "3"});
  CHECK(refused.ending.exit_code == 2);
  CHECK_THAT(refused.err, Contains("it is about 51 places"));
  CHECK(desk.length_of(99) == 48);
  REQUIRE(desk.run("rigging", {"resolve", number, "--take-lost"}).ending.exit_code == 0);
  CHECK(desk.length_of(98) == 48);
  CHECK(desk.length_of(99) == 30);
  CHECK(desk.length_of(149) == 30);
  CHECK(objects(desk.run("lighting", {"conflicts", "--json"}).out).size() == 99);
}

TEST_CASE(
    "a conflict whose place is gone for good is not settled by taking what lost, and what to do is said") {
  Desk desk;
  const std::string large(300'000, 'x');
  support::write_file(desk.folder("rigging") / "large.json",
                      R"({"shot":{"note":"dark","large":")" + large + R"("},"end":"bright"})");
  const auto set = desk.run("rigging", {"story", "set", "large.json", "--json"});
  const std::string base = std::to_string(objects(set.out).at(0).at("number").get<std::uint64_t>());
  const auto lost =
      desk.run("rigging", {"story", "set", "--at", "/shot/note", "\"dim\"", "--base", base, "--json"});
  const auto revision = objects(lost.out).at(0).at("number").get<std::uint64_t>();
  REQUIRE(desk.run("lighting", {"story", "set", "--at", "/shot/note", "\"x\"", "--base", base})
              .ending.exit_code == 5);
  support::write_file(desk.folder("rigging") / "remove.json", R"([{"op":"remove","path":"/shot"}])");
  REQUIRE(desk.run("rigging", {"story", "patch", "remove.json"}).ending.exit_code == 0);
  const auto refused = desk.run("rigging", {"resolve", "1", "--take-lost"});
  CHECK(refused.ending.exit_code == 5);
  CHECK_THAT(refused.err, Contains("gone for good") && Contains("callboard show " + desk.version(revision)));
  CHECK(objects(desk.run("rigging", {"conflicts", "--json"}).out).size() == 1);
  const auto kept = desk.run("rigging", {"resolve", "1", "--json"});
  REQUIRE(kept.ending.exit_code == 0);
  CHECK_THAT(desk.run("rigging", {"conflicts"}).err, Contains("there are none"));
  // What changed nothing is said to have, and its number, which was just told, is one to go on from.
  CHECK_THAT(desk.run("rigging", {"history", "story"}).out, Contains("  nothing  settles conflict 1\n"));
  const std::string next = std::to_string(objects(kept.out).at(0).at("revision").get<std::uint64_t>());
  CHECK(desk.run("rigging", {"story", "set", "--at", "/end", "\"dim\"", "--base", next}).ending.exit_code ==
        0);
}

TEST_CASE("what is told to stand in a conflict does, also when what lost came last of all") {
  Desk desk;
  const std::string base = std::to_string(desk.first);
  {
    const auto joined = desk.join("rigging");
    desk.kill_server();
    // Kept, with the time that it is now.
    REQUIRE(desk.run("rigging", {"story", "set", "--at", "/title", "\"Balin\"", "--base", base})
                .ending.exit_code == 0);
    joined->send_signal(SIGTERM);
    exit_code(*joined);
  }
  desk.serve();
  REQUIRE(desk.run("lighting", {"story", "set", "--at", "/title", "\"Khazad\"", "--base", base})
              .ending.exit_code == 0);
  support::write_file(desk.folder("lighting") / "third.json", R"({"title":"third"})");
  const auto third = desk.run("lighting", {"story", "set", "third.json", "--json"});
  REQUIRE(third.ending.exit_code == 0);
  const auto revision = objects(third.out).at(0).at("number").get<std::uint64_t>();
  const auto joined = desk.join("rigging");
  wait_for_event(*joined, "conflict");
  const auto listed = desk.run("lighting", {"conflicts"});
  CHECK_THAT(listed.out, Contains(": \"third\" (changed since, see " + desk.version(revision) + ")\n") &&
                             Contains("   won     lighting, "));
}

TEST_CASE("a side of a conflict that took the place away is told as that") {
  Desk desk;
  const std::string base = std::to_string(desk.first);
  support::write_file(desk.folder("rigging") / "remove.json", R"([{"op":"remove","path":"/title"}])");
  REQUIRE(desk.run("rigging", {"story", "patch", "remove.json", "--base", base}).ending.exit_code == 0);
  CHECK(desk.run("lighting", {"story", "set", "--at", "/title", "\"Khazad\"", "--base", base})
            .ending.exit_code == 5);
  CHECK_THAT(desk.run("lighting", {"conflicts"}).out,
             Contains("   lost    rigging, ") && Contains(": (removed)\n"));
}

TEST_CASE("who reads a document is told which revision it is, and who replaces another's unseen, whose") {
  Desk desk;
  const auto got = desk.run("lighting", {"story", "get"});
  CHECK(got.out == std::string(kStory) + "\n");
  CHECK(got.err == "story is at revision " + std::to_string(desk.first) + "\n");
  CHECK(desk.run("lighting", {"story", "get", "--json"}).err.empty());
  support::write_file(desk.folder("lighting") / "mine.json", R"({"title":"Durin"})");
  const auto replaced = desk.run("lighting", {"story", "set", "mine.json", "--json"});
  REQUIRE(replaced.ending.exit_code == 0);
  const auto revision = objects(replaced.out).at(0).at("number").get<std::uint64_t>();
  CHECK(replaced.err == "it took the place of " + desk.version(desk.first) +
                            " by \"rigging\"; what differs: `callboard diff " + desk.version(desk.first) +
                            " " + desk.version(revision) + "`; with --base others' changes stay\n");
  support::write_file(desk.folder("lighting") / "mine.json", R"({"title":"Oin"})");
  CHECK(desk.run("lighting", {"story", "set", "mine.json"}).err.empty());
  CHECK(desk.run("rigging", {"story", "set", "story.json", "--base", std::to_string(revision + 1)})
            .err.empty());
}

TEST_CASE("a change of several places is listed as that, and one of everything as a whole") {
  Desk desk;
  support::write_file(desk.folder("rigging") / "two.json",
                      R"([{"op":"replace","path":"/title","value":"a"},)"
                      R"({"op":"replace","path":"/scenes/0/note","value":"b"}])");
  REQUIRE(desk.run("rigging", {"story", "patch", "two.json"}).ending.exit_code == 0);
  const auto listed = desk.run("rigging", {"history", "story"}).out;
  CHECK_THAT(listed, Contains("several places\n") && Contains("as a whole\n"));
  CHECK(objects(desk.run("rigging", {"history", "story", "--json"}).out).at(0).at("places") == 2);
}

TEST_CASE("a backup of a running server is what another one begins with") {
  Desk desk;
  const std::string file = (desk.home() / "moria.sqlite").string();
  const auto done = desk.run("rigging", {"backup", file, "--json"});
  INFO(done.err);
  REQUIRE(done.ending.exit_code == 0);
  CHECK(objects(done.out).at(0).at("bytes").get<std::uint64_t>() == std::filesystem::file_size(file));
  CHECK(desk.run("rigging", {"backup", file}).ending.exit_code == 4);
  // One that cannot have its port leaves nothing that stands in the way of the next.
  const std::string elsewhere = (desk.home() / "elsewhere").string();
  const std::string taken = desk.server_address().substr(desk.server_address().rfind(':') + 1);
  const auto refused = support::run(desk.command(
      0, {"serve", "--project", desk.project(), "--data", elsewhere, "--restore", file, "--port", taken}));
  CHECK(refused.ending.exit_code == 6);
  CHECK_THAT(refused.err, Contains("--port chooses another"));
  desk.kill_server();
  desk.serve({"--data", elsewhere, "--restore", file});
  CHECK(desk.run("lighting", {"story", "get"}).out == std::string(kStory) + "\n");
}

}  // namespace
}  // namespace callboard::e2e::history_test
