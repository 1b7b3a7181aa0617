// Transfers that do not simply succeed, and many at once: each side gets a definite outcome, and another try finishes the job.
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "client/client.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::endings_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::read_file;
using support::write_file;

// A file that costs nothing to make, and far more to move than all buffers on the way hold.
void make_long_file(const fs::path& path) {
  write_file(path, "");
  fs::resize_file(path, 256 * MiB);
}

// A pull that has begun and stands still, with the taker stopped in the middle of it.
struct HeldPull : Studio {
  fs::path giver = add_user("rigging");
  fs::path taker = add_user("lighting");
  std::unique_ptr<Process> giving;
  std::unique_ptr<Process> pulling;

  HeldPull() {
    make_long_file(giver / "dev/a-long");
    write_file(giver / "dev/z-short", "short");
    serve();
    giving = join("rigging");
    pulling = start("lighting", {"pull", "/dev", "--from", "rigging", "--json"});
    wait_for_event(*giving, "giving");
    pulling->send_signal(SIGSTOP);
  }
  void go_on() const { pulling->send_signal(SIGCONT); }
  void check_nothing_half() const { CHECK_FALSE(fs::exists(taker / "dev/a-long")); }
  void check_next_try() const {
    const auto again = run("lighting", {"pull", "/dev", "--from", "rigging"});
    CAPTURE(again.err);
    CHECK(again.ending.exit_code == 0);
    CHECK(support::differences(giver, taker) == support::kNoDifference);
  }
};

TEST_CASE("the giver leaves in the middle: the taker is told who left, and to try again") {
  HeldPull held;
  held.giving->send_signal(SIGINT);
  CHECK(exit_code(*held.giving) == 130);
  held.go_on();
  CHECK(exit_code(*held.pulling) == 9);
  CHECK_THAT(held.pulling->printed(Stream::err),
             Contains("\"rigging\" left; run it again to go on from here"));
  CHECK(events(held.pulling->printed(Stream::out), "pulled").at(0).at("outcome") == "interrupted");
  held.check_nothing_half();
  held.giving = held.join("rigging");
  held.check_next_try();
}

TEST_CASE("the taker leaves in the middle: the giver is told, and gives on to others") {
  HeldPull held;
  held.go_on();
  held.pulling->send_signal(SIGINT);
  CHECK(exit_code(*held.pulling) == 130);
  const auto given = wait_for_event(*held.giving, "given");
  CHECK(given.at("outcome") != "done");
  CHECK_FALSE(given.at("text").get<std::string>().empty());
  held.check_nothing_half();
  held.check_next_try();
}

TEST_CASE("the server is aborted in the middle: both sides are told why, and go on with the next server") {
  HeldPull held;
  CHECK(held.run("rigging", {"abort"}).ending.exit_code == 0);
  CHECK(exit_code(held.server()) == 0);
  held.go_on();
  CHECK(exit_code(*held.pulling) == 9);
  CHECK_THAT(held.pulling->printed(Stream::err), Contains("stopped by an abort from 127.0.0.1"));
  const auto given = wait_for_event(*held.giving, "given");
  CHECK(given.at("outcome") == "interrupted");
  CHECK_THAT(given.at("text").get<std::string>(), Contains("stopped by an abort from 127.0.0.1"));
  CHECK(wait_for_event(*held.giving, "left").at("why") == "stopped by an abort from 127.0.0.1");
  held.check_nothing_half();
  held.serve();
  wait_for_event(*held.giving, "joined");
  held.check_next_try();
}

TEST_CASE(
    "a file that changes and one that vanishes after they were listed: the pull ends with what is there "
    "now") {
  HeldPull held;
  fs::remove(held.giver / "dev/z-short");
  write_file(held.giver / "dev/a-long", std::string(1 * MiB, 'x'));
  held.go_on();
  const int code = exit_code(*held.pulling);
  CAPTURE(held.pulling->printed(Stream::out), held.pulling->printed(Stream::err));
  CHECK((code == 0 || code == 1));
  if (code != 0) CHECK_THAT(held.pulling->printed(Stream::err), Contains("/dev/"));
  // Either it came before it vanished, or it did not come: never a part of it.
  if (fs::exists(held.taker / "dev/z-short")) CHECK(read_file(held.taker / "dev/z-short") == "short");
  fs::remove(held.taker / "dev/z-short");
  held.check_next_try();
}

TEST_CASE("messages, users and looks flow while a pull stands still") {
  HeldPull held;
  CHECK(held.run("rigging", {"say", "still here"}).ending.exit_code == 0);
  CHECK(wait_for_event(*held.giving, "message").at("text") == "still here");
  CHECK(held.run("lighting", {"ls", "/dev", "--from", "rigging"}).ending.exit_code == 0);
  const auto status = objects(held.run("lighting", {"status", "--json"}).out).at(0);
  REQUIRE(status.at("transfers").size() == 1);
  CHECK(status.at("transfers")[0].at("giver") == "rigging");
  CHECK(status.at("transfers")[0].at("taker") == "lighting");
  held.go_on();
  CHECK(exit_code(*held.pulling) == 0);
  CHECK(support::differences(held.giver, held.taker) == support::kNoDifference);
}

// At the rate that the server starts with the pull would take four minutes.
TEST_CASE("a relay rate in the config holds, and another takes effect on a running pull at SIGHUP") {
  Studio studio;
  const auto giver = studio.add_user("rigging");
  const auto taker = studio.add_user("lighting");
  write_file(giver / "dev/frames", std::string(16 * MiB, 'x'));
  const auto config = studio.home() / ".callboard/config";
  write_file(config, "relay_rate = 64K\n");
  studio.serve();
  const auto giving = studio.join("rigging");
  const auto pulling = studio.start("lighting", {"pull", "/dev", "--from", "rigging", "--json"});
  wait_for_event(*pulling, "progress");
  write_file(config, "relay_rate = fast\n");
  studio.server().send_signal(SIGHUP);
  CHECK_THAT(wait_for_event(studio.server(), "kept").at("reason").get<std::string>(),
             Contains("relay_rate \"fast\": expected RATE"));
  write_file(config, "relay_rate = 1G,512M\n");
  studio.server().send_signal(SIGHUP);
  const auto reloaded = wait_for_event(studio.server(), "reloaded");
  CHECK(reloaded.at("relay_rate") == 1 * GiB);
  CHECK(reloaded.at("relay_rate_each") == 512 * MiB);
  CHECK(exit_code(*pulling) == 0);
  CHECK(support::differences(giver, taker) == support::kNoDifference);
}

TEST_CASE("a relay rate that is an option stays at SIGHUP, and the log says so") {
  Studio studio;
  const auto config = studio.home() / ".callboard/config";
  write_file(config, "relay_rate = 1M\n");
  studio.serve({"--relay-rate", "2M"});
  studio.server().send_signal(SIGHUP);
  CHECK(wait_for_event(studio.server(), "reloaded").at("relay_rate") == 2 * MiB);
  CHECK_THAT(studio.server().printed(Stream::err),
             Contains("relay_rate stays: given as an option rate=2M config=1M"));
}

TEST_CASE("who shares nothing cannot be pulled from, and is named") {
  Studio studio;
  studio.add_user("lighting");
  studio.serve();
  client::Options options;
  options.project = studio.project();
  options.user = "prompter";
  options.server = studio.server_address();
  const auto prompter = client::Client::start(options, nullptr);
  REQUIRE(prompter);
  REQUIRE((*prompter)->joined().get());
  const auto pulled = studio.run("lighting", {"pull", "/dev", "--from", "prompter"});
  CHECK((pulled.ending.exit_code == 3 || pulled.ending.exit_code == 4));
  CHECK_THAT(pulled.err, Contains("\"prompter\""));
}

TEST_CASE("a file changed here and there since the last pull is kept as a version, named, and a conflict") {
  Studio studio;
  const auto giver = studio.add_user("rigging");
  const auto taker = studio.add_user("lighting");
  write_file(giver / "dev/chr/Moria/notes.txt", "first");
  write_file(giver / "dev/chr/Moria/other.txt", "other");
  studio.serve();
  const auto joined = studio.join("rigging");
  const std::vector<std::string> pull{"pull", "/dev/chr/Moria", "--from", "rigging"};
  REQUIRE(studio.run("lighting", pull).ending.exit_code == 0);
  write_file(taker / "dev/chr/Moria/notes.txt", "mine, an afternoon's work");
  write_file(giver / "dev/chr/Moria/notes.txt", "second");
  write_file(giver / "dev/chr/Moria/other.txt", "other, again");
  const auto pulled = studio.run("lighting", pull);
  CHECK(pulled.ending.exit_code == 5);
  CHECK_THAT(pulled.err,
             Contains("dev/chr/Moria/notes.txt\" was changed here and there: the giver's took its place"));
  CHECK_THAT(pulled.err,
             Contains("dev/chr/Moria/notes.txt\" was changed here and is kept as .callboard/versions/"));
  CHECK_THAT(pulled.err, !Contains("other.txt"));
  CHECK(support::differences(giver, taker) == support::kNoDifference);
  std::vector<std::string> kept;
  for (const auto& each : fs::recursive_directory_iterator(taker / ".callboard/versions")) {
    if (each.is_regular_file()) kept.push_back(read_file(each.path()));
  }
  CHECK(kept == std::vector<std::string>{"mine, an afternoon's work"});
}

TEST_CASE("a mirror says what it removed, what it left and why, and a dry run what would become of it") {
  Studio studio;
  const auto giver = studio.add_user("rigging");
  const auto taker = studio.add_user("lighting");
  for (const char* name : {"a", "b", "c", "sub/d"}) write_file(giver / "dev" / name, name);
  studio.serve();
  const auto joined = studio.join("rigging");
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"pull", "/dev", "--from", "rigging"};
    words.insert(words.end(), more.begin(), more.end());
    return studio.run("lighting", words);
  };
  REQUIRE(run({}).ending.exit_code == 0);
  fs::permissions(giver / "dev/a", fs::perms::owner_read);
  CHECK(run({}).out == "no new files from rigging, but links, folders or modes; 4 were up to date\n");

  fs::create_symlink("/etc", giver / "dev/outside");
  fs::remove(giver / "dev/b");
  fs::rename(giver / "dev/sub", giver / "dev/moved");
  const auto planned = run({"--mirror", "--dry-run"});
  CHECK_THAT(planned.out, Contains("nothing would be removed: 1 problem; 2 files here are not there"));
  const auto left = run({"--mirror", "--json"});
  CHECK(events(left.out, "pulled").at(0).at("removals_left") == 2);
  CHECK(events(left.out, "pulled").at(0).at("removed") == 0);
  fs::remove(giver / "dev/outside");
  fs::remove_all(taker / "dev/moved");
  const auto dry = run({"--mirror", "--dry-run"});
  CHECK_THAT(dry.out, Contains("/dev/sub → /dev/moved"));
  CHECK_THAT(dry.out, Contains("remove ") && Contains("/dev/b\n"));
  CHECK_THAT(dry.out, Contains("would pull 1 file, 5 B, from rigging"));
  write_file(taker / "dev/b", "mine");
  const auto kept = run({"--mirror", "--on-conflict", "keep"});
  CHECK(kept.ending.exit_code == 5);
  CHECK_THAT(kept.err, Contains("/dev/b\" is gone there, and here it is not what was pulled: yours stays"));
  const auto gone = run({"--mirror"});
  CHECK(gone.ending.exit_code == 5);
  CHECK_THAT(gone.err,
             Contains("/dev/b\" is gone there, and here it is not what was pulled: yours is a version now"));
  CHECK_THAT(gone.out,
             Contains("no new files from rigging; 1 moved to .callboard/versions; 3 were up to date"));
  CHECK(support::differences(giver, taker) == support::kNoDifference);
}

TEST_CASE("--on-conflict keep and fail leave the local file, and fail all the others, too") {
  Studio studio;
  const auto giver = studio.add_user("rigging");
  const auto taker = studio.add_user("lighting");
  write_file(giver / "dev/a", "first");
  studio.serve();
  const auto joined = studio.join("rigging");
  REQUIRE(studio.run("lighting", {"pull", "/dev", "--from", "rigging"}).ending.exit_code == 0);
  write_file(taker / "dev/a", "mine");
  write_file(giver / "dev/a", "theirs");
  write_file(giver / "dev/b", "new");
  const auto failed = studio.run("lighting", {"pull", "/dev", "--from", "rigging", "--on-conflict", "fail"});
  CHECK(failed.ending.exit_code == 5);
  CHECK_THAT(failed.err, Contains("dev/a\" was changed here and there: nothing was changed"));
  CHECK_FALSE(fs::exists(taker / "dev/b"));
  const auto kept = studio.run("lighting", {"pull", "/dev", "--from", "rigging", "--on-conflict", "keep"});
  CHECK(kept.ending.exit_code == 5);
  CHECK(read_file(taker / "dev/a") == "mine");
  CHECK(read_file(taker / "dev/b") == "new");
  CHECK(studio.run("lighting", {"pull", "/dev", "--on-conflict", "guess"}).ending.exit_code == 2);
}

TEST_CASE("--mirror removes what is not there, and most of a folder only when somebody agrees") {
  Studio studio;
  const auto giver = studio.add_user("rigging");
  const auto taker = studio.add_user("lighting");
  for (const std::string name : {"a", "b", "c"}) write_file(giver / "dev" / name, name);
  studio.serve();
  const auto joined = studio.join("rigging");
  const std::vector<std::string> mirror{"pull", "/dev", "--from", "rigging", "--mirror", "--json"};
  REQUIRE(studio.run("lighting", mirror).ending.exit_code == 0);
  fs::rename(giver / "dev/a", giver / "dev/renamed");
  write_file(taker / "dev/mine", "mine");
  const auto few = studio.run("lighting", mirror);
  CAPTURE(few.out, few.err);
  CHECK(few.ending.exit_code == 0);
  CHECK_THAT(few.out, Contains("\"files_reused\":1"));
  CHECK_THAT(few.out, Contains("\"event\":\"removed\""));
  CHECK(support::differences(giver, taker) == support::kNoDifference);
  fs::remove(giver / "dev/b");
  fs::remove(giver / "dev/c");
  const auto many = studio.run("lighting", mirror);
  CHECK(many.ending.exit_code == 4);
  CHECK_THAT(many.err, Contains("--yes"));
  CHECK(fs::exists(taker / "dev/b"));
  auto agreed = mirror;
  agreed.push_back("--yes");
  CHECK(studio.run("lighting", agreed).ending.exit_code == 0);
  CHECK(support::differences(giver, taker) == support::kNoDifference);
}

TEST_CASE("what only the taker has stays") {
  Studio studio;
  const auto giver = studio.add_user("rigging");
  const auto taker = studio.add_user("lighting");
  write_file(giver / "dev/theirs", "theirs");
  write_file(taker / "dev/mine", "mine");
  studio.serve();
  const auto joined = studio.join("rigging");
  CHECK(studio.run("lighting", {"pull", "/dev", "--from", "rigging"}).ending.exit_code == 0);
  CHECK(read_file(taker / "dev/mine") == "mine");
  CHECK(read_file(taker / "dev/theirs") == "theirs");
}

TEST_CASE(
    "a file in the place of a folder, and a folder in the place of a file: the pull says so and loses "
    "nothing") {
  Studio studio;
  const auto giver = studio.add_user("rigging");
  const auto taker = studio.add_user("lighting");
  write_file(giver / "dev/one", "now a file");
  write_file(giver / "dev/two/inside", "now a folder");
  write_file(taker / "dev/one/inside", "was a folder");
  write_file(taker / "dev/two", "was a file");
  studio.serve();
  const auto joined = studio.join("rigging");
  const auto pulled = studio.run("lighting", {"pull", "/dev", "--from", "rigging", "--json"});
  CAPTURE(pulled.out, pulled.err);
  std::vector<std::string> contents;
  for (const auto& each : fs::recursive_directory_iterator(taker)) {
    if (each.is_regular_file()) contents.push_back(read_file(each.path()));
  }
  CHECK_THAT(contents, Catch::VectorContains(std::string("was a folder")));
  CHECK_THAT(contents, Catch::VectorContains(std::string("was a file")));
  // Neither was ever pulled: both sides made them.
  if (pulled.ending.exit_code == 5) {
    CHECK(support::differences(giver, taker) == support::kNoDifference);
  } else {
    CHECK(pulled.ending.exit_code == 1);
    CHECK_THAT(pulled.err, Contains("/dev/one"));
  }
}

TEST_CASE("two users pull from each other at once") {
  Studio studio;
  const auto rigging = studio.add_user("rigging");
  const auto lighting = studio.add_user("lighting");
  support::make_tree(rigging / "dev",
                     {.seed = 1, .files = 300, .files_per_directory = 20, .size_max_bytes = 60'000});
  support::make_tree(lighting / "rnd",
                     {.seed = 2, .files = 300, .files_per_directory = 20, .size_max_bytes = 60'000});
  studio.serve();
  const auto rigging_joined = studio.join("rigging");
  const auto lighting_joined = studio.join("lighting");
  const auto to_lighting = studio.start("lighting", {"pull", "/dev", "--from", "rigging"});
  const auto to_rigging = studio.start("rigging", {"pull", "/rnd", "--from", "lighting"});
  CHECK(exit_code(*to_lighting) == 0);
  CHECK(exit_code(*to_rigging) == 0);
  CHECK(support::differences(rigging, lighting) == support::kNoDifference);
}

TEST_CASE("two pulls into one folder at once do not disturb each other") {
  Studio studio;
  const auto giver = studio.add_user("rigging");
  const auto taker = studio.add_user("lighting");
  support::make_tree(giver / "dev",
                     {.seed = 1, .files = 300, .files_per_directory = 20, .size_max_bytes = 60'000});
  studio.serve();
  const auto joined = studio.join("rigging");
  const auto first = studio.start("lighting", {"pull", "/dev", "--from", "rigging"});
  const auto second = studio.start("lighting", {"pull", "/dev", "--from", "rigging"});
  CHECK(exit_code(*first) == 0);
  CHECK(exit_code(*second) == 0);
  CHECK(support::differences(giver, taker) == support::kNoDifference);
}

TEST_CASE("one gives to five at once while people speak") {
  Studio studio;
  const auto giver = studio.add_user("rigging");
  support::make_tree(giver / "dev",
                     {.seed = 1, .files = 300, .files_per_directory = 20, .size_max_bytes = 60'000});
  support::make_large_file({.path = giver / "dev/large", .size_bytes = 20 * MiB, .seed = 3});
  studio.serve();
  const auto joined = studio.join("rigging");
  std::vector<std::unique_ptr<Process>> pulls;
  for (int i = 0; i < 5; ++i) {
    const auto taker = "taker " + std::to_string(i);
    studio.add_user(taker);
    pulls.push_back(studio.start(taker, {"pull", "/dev", "--from", "rigging"}));
  }
  int said = 0;
  for (; said < 10; ++said)
    REQUIRE(studio.run("taker 0", {"say", std::to_string(said)}).ending.exit_code == 0);
  for (auto& each : pulls) {
    CHECK(exit_code(*each) == 0);
    CHECK(each->printed(Stream::err).empty());
  }
  for (int i = 0; i < 5; ++i) {
    CHECK(support::differences(giver, studio.folder("taker " + std::to_string(i))) == support::kNoDifference);
  }
  for (int i = 0; i < said; ++i) CHECK(wait_for_event(*joined, "message").at("text") == std::to_string(i));
}

TEST_CASE("newest goes to who has it, and to the next when they leave") {
  Studio studio;
  const auto old = studio.add_user("rigging");
  const auto recent = studio.add_user("lighting");
  const auto taker = studio.add_user("render");
  write_file(old / "dev/chr/Moria/m", "old");
  write_file(recent / "dev/chr/Moria/m", "recent");
  fs::last_write_time(old / "dev/chr/Moria/m", fs::file_time_type::clock::now() - std::chrono::hours(48));
  fs::last_write_time(recent / "dev/chr/Moria/m", fs::file_time_type::clock::now() - std::chrono::hours(24));
  studio.serve();
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  wait_for_event(*rigging, "asset", [](const Json& each) { return each.at("user") == "lighting"; });
  CHECK(studio.run("render", {"pull", "/dev/chr/Moria", "--dry-run"}).ending.exit_code == 0);
  CHECK_THAT(studio.run("render", {"pull", "/dev/chr/Moria"}).out, Contains("from lighting"));
  CHECK(read_file(taker / "dev/chr/Moria/m") == "recent");
  lighting->send_signal(SIGINT);
  wait_for_event(*rigging, "asset", [](const Json& each) { return each.at("user") == "rigging"; });
  CHECK_THAT(studio.run("render", {"assets"}).out, Contains("rigging") && !Contains("lighting"));
  CHECK_THAT(studio.run("render", {"pull", "/dev/chr/Moria"}).out, Contains("from rigging"));
  CHECK(read_file(taker / "dev/chr/Moria/m") == "old");
}

TEST_CASE("two users of one name are both there, told apart by a number") {
  Studio studio;
  studio.add_user("rigging");
  studio.add_user("laptop");
  studio.serve();
  const auto first = studio.join("rigging");
  const auto second = studio.start("laptop", {"join", "--json", "--name", "rigging"});
  wait_for_event(*second, "joined");
  CHECK(events(second->printed(Stream::out), "joined").at(0).at("name") == "rigging (2)");
  CHECK_THAT(studio.run("rigging", {"users"}).out, Contains("rigging (2)"));
}

}  // namespace
}  // namespace callboard::e2e::endings_test
