// The helpers of the end-to-end tests, tested: a helper that lies makes every test that leans on it lie.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/network.h"
#include "tests/support/process.h"
#include "tests/support/skip.h"
#include "tests/support/tree.h"

namespace callboard::support::support_test {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "callboard-support-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
};

Command shell(const std::string& script) {
  return {.words = {"sh", "-c", script}, .directory = {}, .environment = {}};
}

TEST_CASE("a program's output, errors and exit code are kept apart") {
  const auto finished = run(shell("echo good; echo bad >&2; exit 3"));
  CHECK(finished.out == "good\n");
  CHECK(finished.err == "bad\n");
  CHECK(finished.ending == Ending{.exit_code = 3, .signal = 0});
}

TEST_CASE("a line is awaited while the program goes on, and lines before it count as read") {
  Process process(shell("echo one; echo two; echo three; read answer; echo got $answer"));
  CHECK(process.wait_for(Stream::out, "two") == "two");
  CHECK(process.wait_for(Stream::out, "three") == "three");
  CHECK_FALSE(process.wait_for(Stream::out, "one", std::chrono::milliseconds(0)));
  process.write_input("it\n");
  CHECK(process.wait_for(Stream::out, "got") == "got it");
  CHECK(process.wait() == Ending{.exit_code = 0, .signal = 0});
}

TEST_CASE("a line that never comes ends with the program, not with the time") {
  Process process(shell("echo something else"));
  CHECK_FALSE(process.wait_for(Stream::out, "listening"));
}

TEST_CASE("a program that prints a megabyte before it ends loses none of it") {
  const auto finished = run(shell("head -c 1000000 /dev/zero | tr '\\0' x"));
  CHECK(finished.out.size() == 1000000);
}

TEST_CASE("a signal that ends a program is told") {
  Process process(shell("echo ready; exec cat"));
  REQUIRE(process.wait_for(Stream::out, "ready"));
  process.send_signal(SIGTERM);
  CHECK(process.wait() == Ending{.exit_code = -1, .signal = SIGTERM});
}

TEST_CASE("the destructor ends the program and what it started") {
  pid_t id = -1;
  std::string child;
  {
    Process process(shell("sleep 1000 & echo $!; wait"));
    child = process.wait_for(Stream::out, "").value_or("");
    id = process.id();
  }
  CHECK(kill(id, 0) == -1);
  // The orphan is a zombie until init reaps it: dead is either gone or in state Z. It was killed with the others, and may
  // still be on its way.
  const auto is_dead = [&] {
    const std::string state =
        run(shell("sed -n 's/^State:[[:space:]]*\\(.\\).*/\\1/p' /proc/" + child + "/status 2>/dev/null"))
            .out;
    return state.empty() || state == "Z\n" || state == "X\n";
  };
  bool dead = is_dead();
  for (int look = 0; look < 1000 && !dead; ++look) dead = is_dead();
  CHECK(dead);
}

TEST_CASE("a program is without a variable of the test's own when only its name is given") {
  ::setenv("CALLBOARD_TRIAL", "own", 1);
  const std::string script = "echo ${CALLBOARD_TRIAL-none}";
  CHECK(run({.words = {"sh", "-c", script}, .directory = {}, .environment = {}}).out == "own\n");
  CHECK(run({.words = {"sh", "-c", script}, .directory = {}, .environment = {"CALLBOARD_TRIAL"}}).out ==
        "none\n");
  CHECK(run({.words = {"sh", "-c", script},
             .directory = {},
             .environment = {"CALLBOARD_TRIAL", "CALLBOARD_TRIAL=other"}})
            .out == "other\n");
  ::unsetenv("CALLBOARD_TRIAL");
}

TEST_CASE("directory and environment of a program are the ones given") {
  const Folder folder;
  const auto finished = run({.words = {"sh", "-c", "pwd; echo $CALLBOARD_TRIAL"},
                             .directory = folder.path,
                             .environment = {"CALLBOARD_TRIAL=a b"}});
  CHECK(finished.out == fs::canonical(folder.path).string() + "\na b\n");
}

TEST_CASE("a program that does not exist is an error that names it") {
  CHECK_THROWS_WITH(run({.words = {"/no/such/program"}, .directory = {}, .environment = {}}),
                    Catch::Contains("/no/such/program"));
}

TEST_CASE("the same plan makes the same tree, another seed another") {
  const Folder folder;
  make_tree(folder.path / "a", {.seed = 7});
  make_tree(folder.path / "b", {.seed = 7});
  make_tree(folder.path / "c", {.seed = 8});
  CHECK(differences(folder.path / "a", folder.path / "b") == support::kNoDifference);
  CHECK_FALSE(differences(folder.path / "a", folder.path / "c").empty());
}

TEST_CASE("every kind of difference between trees is found") {
  const Folder folder;
  const auto left = folder.path / "left";
  const auto right = folder.path / "right";
  for (const auto& root : {left, right}) {
    make_tree(root, {.seed = 3, .files = 3, .size_max_bytes = 100});
    fs::create_directories(root / "empty");
    fs::create_symlink("empty", root / "link");
    write_file(root / ".callboard" / "config", root.string());
  }
  const auto file = fs::path("group-0/part-0/file-1.bin");
  REQUIRE(differences(left, right) == support::kNoDifference);

  SECTION("a missing directory") { fs::remove(right / "empty"); }
  SECTION("an extra file") { write_file(right / "extra", ""); }
  SECTION("a mode") { fs::permissions(right / file, fs::perms::owner_all); }
  SECTION("a kind") {
    fs::remove(right / "empty");
    write_file(right / "empty", "");
  }
  SECTION("a link's target") {
    fs::remove(right / "link");
    fs::create_symlink("group-0", right / "link");
  }
  SECTION("a time") {
    fs::last_write_time(right / file, fs::last_write_time(left / file) + std::chrono::nanoseconds(1));
  }
  SECTION("content of the same size and time") {
    auto content = read_file(right / file);
    REQUIRE_FALSE(content.empty());
    content[0] = static_cast<char>(content[0] + 1);
    write_file(right / file, content);
    fs::last_write_time(right / file, fs::last_write_time(left / file));
  }
  CHECK(differences(left, right).size() == 1);
}

TEST_CASE("awkward names can all be made and compared") {
  const Folder folder;
  for (const auto& name : awkward_names()) write_file(folder.path / "a" / name, name);
  fs::create_directories(folder.path / "b");
  CHECK(differences(folder.path / "a", folder.path / "b").size() == awkward_names().size());
}

TEST_CASE("machines of a network reach each other until one is unplugged, and nothing is left behind") {
  if (const auto& reason = Network::why_not()) {
    skip_test(*reason);
    return;
  }
  {
    Network network(2);
    const auto neighbours =
        run({.words = network.on_machine(0, {"ip", "-o", "-4", "addr", "show", "dev", "eth0"}),
             .directory = {},
             .environment = {}});
    CHECK_THAT(neighbours.out, Catch::Contains(network.address(0) + "/24 brd 10.77.0.255"));
    const Command carrier{.words = network.on_machine(1, {"cat", "/sys/class/net/eth0/carrier"}),
                          .directory = {},
                          .environment = {}};
    CHECK(run(carrier).out == "1\n");
    network.unplug(1);
    CHECK(run(carrier).out == "0\n");
    network.plug_in(1);
    CHECK(run(carrier).out == "1\n");
  }
  const auto left = run({.words = {"ip", "netns"}, .directory = {}, .environment = {}});
  CHECK_THAT(left.out, !Catch::Contains("cbt" + std::to_string(getpid()) + "n"));
}

}  // namespace
}  // namespace callboard::support::support_test
