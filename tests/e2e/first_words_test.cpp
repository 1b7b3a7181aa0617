// What a newcomer reads: each line says the thing, once, and what to do about it.
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/e2e/keyed_studio.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::first_words_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::write_file;

struct Office : Studio {
  fs::path rigging = add_user("rigging");
  fs::path lighting = add_user("lighting");
  std::unique_ptr<Process> joined;

  Office() {
    write_file(rigging / "dev/chr/Moria/moria.blend", "BLENDER");
    write_file(rigging / "dev/chr/Moria/notes.txt", "first");
    serve();
    joined = join("rigging");
  }
};

TEST_CASE("an item is named with or without its leading slash, and shown with it") {
  Office office;
  const auto lighting = office.join("lighting");
  const std::vector<std::string> spellings{"dev/chr/Moria", "/dev/chr/Moria", "/dev/chr/Moria/"};
  for (const std::string& item : spellings) {
    INFO(item);
    CHECK(office.run("lighting", {"at", item}).out == "you work on /dev/chr/Moria\n");
    CHECK(objects(office.run("lighting", {"at", item, "--json"}).out).at(0).at("item") == "/dev/chr/Moria");
    CHECK(office.run("lighting", {"ls", item, "--from", "rigging"}).ending.exit_code == 0);
    const auto dry = office.run("lighting", {"pull", item, "--from", "rigging", "--dry-run"});
    CHECK_THAT(dry.out, Contains("  /dev/chr/Moria/moria.blend\n"));
  }
  CHECK(office.run("lighting", {"pull", "dev/chr/Moria"}).ending.exit_code == 0);  // Who has the newest.
  for (const std::string& item : spellings)
    CHECK(office.run("lighting", {"versions", item}).ending.exit_code == 0);
}

TEST_CASE("a name in brackets is one name") {
  Office office;
  write_file(office.rigging / "wip/notes.txt", "not this");
  write_file(office.rigging / "[wip]/notes.txt", "this");
  const auto lighting = office.join("lighting");
  CHECK(office.run("lighting", {"pull", "[wip]", "--from", "rigging"}).ending.exit_code == 0);
  CHECK(support::read_file(office.lighting / "[wip]/notes.txt") == "this");
  CHECK_FALSE(fs::exists(office.lighting / "wip"));
}

TEST_CASE("who has not joined is told to before they work on anything") {
  Office office;
  const auto done = office.run("lighting", {"at", "/dev/chr/Moria"});
  CHECK(done.ending.exit_code == 3);
  CHECK_THAT(done.err, Contains("\"lighting\" has not joined; `callboard join` in this folder does it"));
}

TEST_CASE("a folder that is not there is named once") {
  Studio studio;
  studio.add_user("rigging");
  const std::string nowhere = (studio.home() / "nowhere").string();
  const auto pulled = studio.run("rigging", {"pull", "/", "--project", "P", "--folder", nowhere});
  CHECK(pulled.err == "error: open project folder \"" + nowhere + "\": no such file or directory\n");
  const auto joining = studio.run("rigging", {"join", "--project", "P", "--folder", nowhere});
  CHECK_THAT(joining.err, Contains("error: open project folder \"" + nowhere + "\": no such file"));
  CHECK(joining.err.find("project folder", joining.err.find("error: open project folder") + 15) ==
        std::string::npos);
}

TEST_CASE("a value that is no JSON is answered with the quotes it lacks, and no server is asked") {
  Studio studio;
  studio.add_user("rigging");
  const auto word = studio.run("rigging", {"story", "set", "--at", "/title", "Hello"});
  CHECK(word.ending.exit_code == 2);
  CHECK_THAT(word.err, Contains("value \"Hello\": ") && Contains(R"('"Hello"')"));
  const auto object = studio.run("rigging", {"story", "set", "--at", "/scenes/-", "{name: gate}"});
  CHECK(object.ending.exit_code == 2);
  CHECK_THAT(object.err, Contains(R"('{"name": "gate"}')") && !Contains("'\"{name"));
}

TEST_CASE("init without a project does not advise to run init") {
  const Studio studio;
  const auto done = support::run(studio.command(0, {"init"}));
  CHECK(done.ending.exit_code == 2);
  CHECK_THAT(done.err, Contains("give --project NAME") && Contains("callboard discover"));
  CHECK_THAT(done.err, !Contains("callboard init"));
}

TEST_CASE("the log is one, whether it is read in its file, by its machine or over the network") {
  KeyedStudio studio;
  const std::string path = (studio.home() / "log").string();
  studio.keep("lighting", studio.add("light \\ \"ing\"", {"--role", "admin"}));
  studio.serve({"--log-file", path});
  CHECK(studio.run("rigging", {"abort"}).ending.exit_code == 4);  // Without a key: a warning.
  const auto shown = studio.run("lighting", {"log"});
  REQUIRE(shown.ending.exit_code == 0);
  const std::string file = support::read_file(path);
  CHECK_THAT(file, Contains("Z [info] listening address=127.0.0.1:") && Contains("Z [warn] abort ignored") &&
                       Contains(" project=\"Moria's Race\" ") && Contains(R"( user="light \\ \"ing\"" )"));
  std::istringstream lines(shown.out);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) CHECK_THAT(file, Contains(line + "\n"));
  CHECK(count > 3);
  const auto here =
      support::run(studio.command(0, {"server", "logs", "--lines", "1000", "--project", studio.project()}));
  CHECK(here.out == support::read_file(path));
}

TEST_CASE("a key that is not taken is the same failure with a join that waits and without one") {
  KeyedStudio studio;
  studio.add("admin", {"--role", "admin"});
  // Of another server.
  studio.keep("rigging",
              "cb1_23a643d79a2aa425_c8c75f316d88e02d2b6e8f1d27193b62516a45d3bfde48be1f242de292648243");
  studio.serve();
  const auto alone = studio.run("rigging", {"users"});
  CHECK(alone.ending.exit_code == 4);
  CHECK_THAT(alone.err, Contains("does not take this key"));
  const auto waiting = studio.start("rigging", {"join", "--json"});
  wait_for_event(*waiting, "searching");
  const auto through = studio.run("rigging", {"users"});
  CHECK(through.ending.exit_code == 4);
  CHECK_THAT(through.err, Contains("not joined at the moment: ") && Contains("does not take this key"));
}

TEST_CASE("what cannot be is answered with what was given") {
  Studio studio;
  studio.add_user("rigging");
  CHECK(studio.run("rigging", {"lock", "/"}).err ==
        "error: ITEM \"/\": expected an item of the project, not all of it\n");
  CHECK(studio.run("rigging", {"diff", "/reviews/sc01@3", "story@1"}).err ==
        "error: one is a version of a record, the other of a document\n");
  CHECK(studio.run("rigging", {"pull", "/", "--on-conflict", "maybe"}).err ==
        "error: --on-conflict \"maybe\": expected version, keep or fail\n");
}

TEST_CASE("times in records are shown as all times are, and are numbers for programs") {
  Office office;
  REQUIRE(office.run("rigging", {"lock", "/dev/chr/Moria"}).ending.exit_code == 0);
  const auto since = objects(office.run("rigging", {"records", "/locks", "--json"}).out)
                         .at(0)
                         .at("fields")
                         .at("since")
                         .get<std::int64_t>();
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"records", "/locks"}, {"history", "/locks/dev/chr/Moria"}}) {
    const auto shown = office.run("rigging", words).out;
    CHECK_THAT(shown, Contains("since=") && Contains(":") && !Contains(std::to_string(since)));
  }
  CHECK(office.run("rigging", {"records", "/nothing"}).err == "there are none\n");
}

TEST_CASE("who leaves in order has left, and no reason is told that is none") {
  Office office;
  const auto lighting = office.start("lighting", {"join"});
  REQUIRE(lighting->wait_for(Stream::out, "joined at "));
  wait_for_event(*office.joined, "user", [](const Json& each) { return each.at("name") == "lighting"; });
  office.add_user("render");
  const auto third = office.join("render");
  REQUIRE(lighting->wait_for(Stream::out, "render is here"));
  third->send_signal(SIGINT);
  REQUIRE(lighting->wait_for(Stream::out, "render left"));
  lighting->send_signal(SIGINT);
  CHECK(exit_code(*lighting) == 130);
  CHECK_THAT(lighting->printed(Stream::out),
             Contains("  render left\n") && Catch::EndsWith("  left\n") && !Contains("left: "));
}

TEST_CASE("a dry run says nothing of what is on disk") {
  Office office;
  const std::vector<std::string> dry{"pull", "/dev", "--from", "rigging", "--dry-run", "--verbose"};
  const auto shown = office.run("lighting", dry);
  CHECK_THAT(shown.out, Contains("would pull 2 files") && Contains(" on the wire") && !Contains("on disk"));
  auto json = dry;
  json.emplace_back("--json");
  CHECK(events(office.run("lighting", json).out, "pulled").at(0).at("synced") == false);
}

TEST_CASE("a file that both changed and that stays is not counted as up to date") {
  Office office;
  REQUIRE(office.run("lighting", {"pull", "/dev", "--from", "rigging"}).ending.exit_code == 0);
  write_file(office.lighting / "dev/chr/Moria/notes.txt", "mine");
  write_file(office.rigging / "dev/chr/Moria/notes.txt", "theirs, second");
  write_file(office.rigging / "dev/chr/Moria/new.txt", "new");
  const auto failed = office.run("lighting", {"pull", "/dev", "--from", "rigging", "--on-conflict", "fail"});
  CHECK(failed.ending.exit_code == 5);
  CHECK(failed.err ==
        "\"/dev/chr/Moria/notes.txt\" was changed here and there: nothing was changed\n"
        "error: 1 file changed here and there\n");
  CHECK(failed.out.empty());
  const auto dry =
      office.run("lighting", {"pull", "/dev", "--from", "rigging", "--on-conflict", "fail", "--dry-run"});
  CHECK(dry.ending.exit_code == 5);
  CHECK_THAT(dry.err, Contains("nothing would be changed"));
  CHECK_THAT(dry.out, !Contains("would pull"));
  const auto kept = office.run("lighting", {"pull", "/dev", "--from", "rigging", "--on-conflict", "keep"});
  CHECK(kept.ending.exit_code == 5);
  CHECK_THAT(kept.out, Contains("pulled 1 file, ") && Contains("; 1 was up to date\n"));
}

TEST_CASE("a dry run says when it does not go by the rules that would come") {
  Office office;
  const std::vector<std::string> dry{"pull", "/dev", "--from", "rigging", "--dry-run"};
  CHECK_THAT(office.run("lighting", dry).out, !Contains("rules"));
  write_file(office.rigging / "dev/.callboardignore", "*.cache\n");
  CHECK_THAT(office.run("lighting", dry).out,
             Contains("rules would come with it (.callboardignore): this goes by those that are here\n"));
}

TEST_CASE("a server that was named and does not answer is what a join says it waits for") {
  Studio studio;
  studio.add_user("rigging");
  const auto waiting = studio.start("rigging", {"join", "--server", "127.0.0.1:1"});
  REQUIRE(
      waiting->wait_for(Stream::out, "not joined: connect to 127.0.0.1:1: connection refused; trying again"));
  waiting->send_signal(SIGINT);
  CHECK(exit_code(*waiting) == 130);
  CHECK_THAT(waiting->printed(Stream::out), !Contains("left"));
}

}  // namespace
}  // namespace callboard::e2e::first_words_test
