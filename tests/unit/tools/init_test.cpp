// `callboard init` and what all verbs share, with the program as people run it.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::support::init_test {
namespace {

namespace fs = std::filesystem;

struct Workstation {
  TempDir folder;

  Finished callboard(std::vector<std::string> words, std::vector<std::string> environment = {}) const {
    words.insert(words.begin(), CALLBOARD_PROGRAM);
    environment.insert(environment.end(), {"CALLBOARD_PROJECT=", "CALLBOARD_NAME=", "CALLBOARD_FOLDER="});
    return run({.words = words, .directory = folder.path(), .environment = environment});
  }
  fs::path config() const { return folder.path() / ".callboard/config"; }
};

TEST_CASE("init writes a config that a person can read, with all keys explained") {
  const Workstation station;
  const auto done = station.callboard({"init", "--project", "Moria's Race", "--name", "rigging"});
  CHECK(done.err.empty());
  REQUIRE(done.ending.exit_code == 0);
  const auto content = read_file(station.config());
  CHECK_THAT(content, Catch::EndsWith("\nproject = Moria's Race\nname = rigging\n"));
  CHECK_THAT(content, Catch::Contains("# discovery_port = 54545\n"));
  CHECK_THAT(content, Catch::Contains("# items = dev/*/* ast/*/* rnd/*/* pln\n"));
}

TEST_CASE("init again with the same values changes nothing, and an edit by hand survives a new name") {
  const Workstation station;
  REQUIRE(station.callboard({"init", "--project", "A", "--name", "x"}).ending.exit_code == 0);
  write_file(station.config(), read_file(station.config()) + "# mine\nserver = 10.0.0.7\n");
  const auto before = read_file(station.config());
  REQUIRE(station.callboard({"init", "--project", "A", "--name", "x"}).ending.exit_code == 0);
  CHECK(read_file(station.config()) == before);
  REQUIRE(station.callboard({"init", "--name", "y"}).ending.exit_code == 0);
  CHECK_THAT(read_file(station.config()),
             Catch::EndsWith("project = A\nname = y\n# mine\nserver = 10.0.0.7\n"));
}

TEST_CASE("init leaves the folder of another project alone unless it is forced") {
  const Workstation station;
  REQUIRE(station.callboard({"init", "--project", "A", "--name", "x"}).ending.exit_code == 0);
  const auto before = read_file(station.config());
  const auto refused = station.callboard({"init", "--project", "B"});
  CHECK(refused.ending.exit_code == 4);
  CHECK_THAT(refused.err, Catch::Contains("is the folder of project \"A\"; --force makes it one of \"B\""));
  CHECK(read_file(station.config()) == before);
  CHECK(station.callboard({"init", "--project", "B", "--force"}).ending.exit_code == 0);
  CHECK_THAT(read_file(station.config()), Catch::EndsWith("project = B\nname = x\n"));
}

TEST_CASE("init without a project says how to give one and writes nothing") {
  const Workstation station;
  const auto done = station.callboard({"init", "--name", "x"});
  CHECK(done.ending.exit_code == 2);
  CHECK_THAT(done.err, Catch::Contains("no project: give --project NAME"));
  CHECK_FALSE(fs::exists(station.config().parent_path()));
}

TEST_CASE("init --json prints one object") {
  const Workstation station;
  const auto done = station.callboard({"init", "--json", "--name", "x"}, {"CALLBOARD_PROJECT=Übung"});
  REQUIRE(done.ending.exit_code == 0);
  const auto object = nlohmann::json::parse(done.out);
  CHECK(object["event"] == "initialised");
  CHECK(object["project"] == "Übung");
  CHECK(object["changed"] == true);
  CHECK(done.out.find('\n') == done.out.size() - 1);
}

TEST_CASE("a wrong command line is usage, told on stderr alone") {
  const Workstation station;
  const auto words =
      GENERATE(values<std::vector<std::string>>({{},
                                                 {"dance"},
                                                 {"init", "--colour"},
                                                 {"init", "--project"},
                                                 {"init", "--name", "a\nb", "--project", "A"}}));
  const auto done = station.callboard(words);
  CHECK(done.ending.exit_code == 2);
  CHECK(done.out.empty());
  CHECK_THAT(done.err, Catch::StartsWith("error: "));
}

TEST_CASE("what nobody knows is named, whatever else is missing because of it") {
  const Workstation station;
  CHECK_THAT(station.callboard({"dance"}).err, Catch::StartsWith("error: \"dance\": no such verb\n"));
  CHECK_THAT(station.callboard({"--colour"}).err, Catch::StartsWith("error: \"--colour\": no such option\n"));
  CHECK_THAT(station.callboard({"init", "--colour"}).err,
             Catch::StartsWith("error: \"--colour\": no such option\n"));
}

TEST_CASE("every verb's help has an example and names the way to --json") {
  const Workstation station;
  const auto help = station.callboard({"--help"});
  REQUIRE(help.ending.exit_code == 0);
  const auto verbs = GENERATE(as<std::string>{}, "init", "discover");
  CHECK_THAT(help.out, Catch::Contains(verbs));
  const auto one = station.callboard({verbs, "--help"});
  CHECK(one.ending.exit_code == 0);
  CHECK(one.err.empty());
  CHECK_THAT(one.out, Catch::Contains("Example:\n  callboard " + verbs));
  CHECK_THAT(one.out, Catch::Contains("--json"));
}

TEST_CASE("a broken config is named by file and line, whatever the verb") {
  const Workstation station;
  write_file(station.config(), "project = A\nnonsense\n");
  const auto done = station.callboard({"discover", "--wait", "0"});
  CHECK(done.ending.exit_code == 2);
  CHECK_THAT(done.err, Catch::Contains(".callboard/config:2: expected \"key = value\", got \"nonsense\""));
}

TEST_CASE("a result that cannot be written is a failure") {
  const Workstation station;
  const auto done =
      run({.words = {"sh", "-c", "exec " CALLBOARD_PROGRAM " init --project A --name x >/dev/full"},
           .directory = station.folder.path(),
           .environment = {}});
  CHECK(done.ending.exit_code == 1);
  CHECK_THAT(done.err, Catch::Contains("write the result to stdout failed"));
}

}  // namespace
}  // namespace callboard::support::init_test
