// Commands in a folder whose `join` runs: they go through it, and do without it when it is not there or not meant.
#include <signal.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::agent_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

constexpr int kStatusTries = 2000;

struct Office : Studio {
  fs::path rigging = add_user("rigging");
  fs::path lighting = add_user("lighting");
  std::unique_ptr<Process> rigging_joined;
  std::unique_ptr<Process> lighting_joined;

  Office() {
    support::make_tree(rigging / "dev/chr/Moria",
                       {.seed = 7, .files = 30, .files_per_directory = 5, .size_max_bytes = 20'000});
    serve();
    rigging_joined = join("rigging");
    lighting_joined = join("lighting");
  }
  // What the join in a user's folder says of itself; null when no command reaches it.
  Json workstation(const std::string& user, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"status", "--json"});
    const auto told = events(run(user, more).out, "workstation");
    return told.empty() ? Json() : told.at(0);
  }
  // Asks until it has so many transfers.
  bool comes_to(const std::string& user, std::size_t transfers) const {
    for (int i = 0; i < kStatusTries; ++i) {
      const Json here = workstation(user);
      if (!here.is_null() && here.at("transfers").size() == transfers) return true;
    }
    return false;
  }
  // A pull that cannot end: its giver stands still.
  std::unique_ptr<Process> hanging_pull() {
    rigging_joined->send_signal(SIGSTOP);
    auto pulling = start("lighting", {"pull", "/dev/chr/Moria", "--from", "rigging", "--json"});
    REQUIRE(comes_to("lighting", 1));
    return pulling;
  }
  ~Office() {
    if (rigging_joined) rigging_joined->send_signal(SIGCONT);
  }
};

TEST_CASE("commands in a folder with a join go through it, each to its own") {
  Office office;
  for (const auto& [user, folder] :
       {std::pair("rigging", office.rigging), std::pair("lighting", office.lighting)}) {
    const Json here = office.workstation(user);
    REQUIRE(here.is_object());
    CHECK(here.at("folder") == folder.string());
    CHECK(here.at("user") == user);
    CHECK(here.at("joined") == true);
    CHECK(here.at("server") == office.server_address());
    CHECK(here.at("transfers").empty());
  }
  const auto shown = office.run("rigging", {"status"});
  CHECK_THAT(shown.out, Contains("folder    " + office.rigging.string()) &&
                            Contains("user      rigging, joined at " + office.server_address()));
  struct stat status {};
  REQUIRE(::stat((office.rigging / ".callboard/agent.sock").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);

  // From below as well, and nobody else comes to the board for it.
  fs::create_directories(office.rigging / "dev/chr/Moria/deeper");
  auto below = office.command(0, {"say", "hello"});
  below.directory = office.rigging / "dev/chr/Moria/deeper";
  CHECK(support::run(below).ending.exit_code == 0);
  CHECK(wait_for_event(*office.lighting_joined, "message").at("user") == "rigging");
}

TEST_CASE("a pull through the join brings everything, then nothing, and several run at once") {
  Office office;
  const auto first = office.run("lighting", {"pull", "/dev/chr/Moria", "--from", "rigging", "--json"});
  CAPTURE(first.out, first.err);
  CHECK(first.ending.exit_code == 0);
  CHECK(events(first.out, "pulled").at(0).at("files") == 30);
  CHECK(support::differences(office.rigging / "dev", office.lighting / "dev") == support::kNoDifference);
  std::vector<std::unique_ptr<Process>> pulls;
  for (int i = 0; i < 4; ++i) {
    pulls.push_back(office.start("lighting", {"pull", "/dev/chr/Moria", "--from", "rigging", "--json"}));
  }
  for (const auto& each : pulls) {
    CHECK(exit_code(*each) == 0);
    CHECK(events(each->printed(Stream::out), "pulled").at(0).at("files") == 0);
  }
  // The one who took is the one who is there.
  CHECK(wait_for_event(*office.rigging_joined, "giving").at("taker") == "lighting");
  const auto nothing = office.run("lighting", {"pull", "/dev/chr/Nobody", "--from", "rigging"});
  CHECK(nothing.ending.exit_code == 3);
}

TEST_CASE("a command that is to be somebody else, or elsewhere, does without the join") {
  Office office;
  CHECK(office.workstation("rigging", {"--name", "rigging"}).is_object());
  CHECK(office.workstation("rigging", {"--server", office.server_address()}).is_object());
  CHECK(office.workstation("rigging", {"--project", office.project()}).is_object());
  CHECK(office.workstation("rigging", {"--name", "lighting"}).is_null());
  CHECK(office.run("rigging", {"say", "x", "--name", "someone"}).ending.exit_code == 0);
  CHECK(wait_for_event(*office.lighting_joined, "message").at("user") == "someone");
  CHECK(office.run("rigging", {"status", "--server", "127.0.0.1:1"}).ending.exit_code == 3);
  CHECK(office.run("rigging", {"status", "--project", "Another"}).ending.exit_code != 0);
}

TEST_CASE(
    "a second join in a folder is refused by the first one's process id; after a kill it takes its place") {
  Office office;
  const auto second = office.run("rigging", {"join"});
  CHECK(second.ending.exit_code == 6);
  CHECK_THAT(second.err, Contains("process " + std::to_string(office.rigging_joined->id())));

  office.rigging_joined->send_signal(SIGKILL);
  REQUIRE(office.rigging_joined->wait());
  CHECK(fs::exists(office.rigging / ".callboard/agent.sock"));
  const auto alone = office.run("rigging", {"users", "--json"});
  CHECK(alone.ending.exit_code == 0);
  CHECK(alone.err.empty());
  CHECK(office.workstation("rigging").is_null());
  office.rigging_joined = office.join("rigging");
  CHECK(office.workstation("rigging").is_object());

  office.rigging_joined->send_signal(SIGTERM);
  REQUIRE(office.rigging_joined->wait());
  CHECK_FALSE(fs::exists(office.rigging / ".callboard/agent.sock"));
}

TEST_CASE("a join that is killed under a pull interrupts it by name") {
  Office office;
  const auto pulling = office.hanging_pull();
  office.lighting_joined->send_signal(SIGKILL);
  CHECK(exit_code(*pulling) == 9);
  CHECK_THAT(pulling->printed(Stream::err),
             Contains("process " + std::to_string(office.lighting_joined->id())) && Contains("has gone"));
}

TEST_CASE("a pull ends with its command, whether that is asked to stop or killed") {
  Office office;
  const auto pulling = office.hanging_pull();
  const Json transfer = office.workstation("lighting").at("transfers").at(0);
  CHECK(transfer.at("direction") == "pulling");
  CHECK(transfer.at("item") == "/dev/chr/Moria");
  CHECK(transfer.at("peer") == "rigging");
  SECTION("asked") {
    pulling->send_signal(SIGINT);
    CHECK(exit_code(*pulling) == 130);
  }
  SECTION("killed") {
    pulling->send_signal(SIGKILL);
    REQUIRE(pulling->wait());
  }
  CHECK(office.comes_to("lighting", 0));
}

TEST_CASE("without a server commands say so, and status says what the workstation does") {
  Office office;
  office.kill_server();
  wait_for_event(*office.rigging_joined, "left");
  // Side by side: each waits for a server.
  std::vector<std::unique_ptr<Process>> asking;
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"users"}, {"pull", "/dev/chr/Moria", "--from", "lighting"}, {"ls", "/dev"}})
    asking.push_back(office.start("rigging", words));
  const auto status = office.run("rigging", {"status", "--json"});
  for (const auto& each : asking) {
    CHECK(exit_code(*each) == 3);
    CAPTURE(each->printed(Stream::out));
    CHECK_THAT(each->printed(Stream::err), Contains("not joined at the moment"));
  }
  CHECK(status.ending.exit_code == 3);
  const Json here = events(status.out, "workstation").at(0);
  CHECK(here.at("joined") == false);
  CHECK(here.at("folder") == office.rigging.string());
  office.serve();
  wait_for_event(*office.rigging_joined, "joined");
  CHECK(office.run("rigging", {"users"}).ending.exit_code == 0);
}

TEST_CASE("a folder deep below, without a config, has its join found from anywhere in it") {
  Studio studio;
  studio.add_user("rigging");
  studio.serve();
  fs::path deep = studio.home();
  while (deep.native().size() < 300) deep /= "a folder with a name of some length";
  fs::create_directories(deep / "dev/chr");
  auto joining =
      studio.command(0, {"join", "--json", "--project", studio.project(), "--name", "deep", "--folder", "."});
  joining.directory = deep;
  Process joined(joining);
  wait_for_event(joined, "joined");
  auto asking = studio.command(0, {"status", "--json"});
  asking.directory = deep / "dev/chr";
  const auto told = support::run(asking);
  CAPTURE(told.out, told.err);
  CHECK(told.ending.exit_code == 0);
  CHECK(events(told.out, "workstation").at(0).at("user") == "deep");
}

}  // namespace
}  // namespace callboard::e2e::agent_test
