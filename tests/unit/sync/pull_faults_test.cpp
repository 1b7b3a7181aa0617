// One pull with every kind of change, run again and again: a system call fails, or the program stops, at each of the
// calls it makes.
#include <catch2/catch.hpp>

#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::pull_faults_test {
namespace {

using World = std::map<std::string, std::string>;  // Path to what TestProject::look() shows.

constexpr Timestamp kStarted{1'795'269'143'123};

// What nobody else has: it must be under its name or among the versions, always.
const World kPrecious{
    {"changed.blend", "file:my own work"},
    {"edited.blend", "file:pulled, then edited"},
    {"folder-in-the-way/mine.txt", "file:in a folder that must become a file"},
    {"file-in-the-way", "file:where a folder must be"},
    {"link-in-the-way", "link:somewhere"},
    {"untouched.txt", "file:not the giver's business"},
};

const World kWanted{
    {"new.txt", "file:new"},
    {"twin-a.txt", "file:equal contents"},
    {"twin-b.txt", "file:equal contents"},
    {"pulled.txt", "file:pulled, second edition"},
    {"changed.blend", "file:the giver's"},
    {"edited.blend", "file:the giver's second edition"},
    {"folder-in-the-way", "file:a file now"},
    {"file-in-the-way", "folder"},
    {"file-in-the-way/inside.txt", "file:inside"},
    {"link-in-the-way", "file:no link any more"},
    {"empty", "folder"},
    {"new-folder", "folder"},
    {"new-folder/a.txt", "file:one"},
    {"new-folder/below", "folder"},
    {"new-folder/below/b.txt", "file:two"},
    {"new-folder/link", "link:a.txt"},
    {"a-link", "link:new.txt"},
    {"pulled-file-to-folder", "folder"},
    {"pulled-file-to-folder/x", "file:x"},
    {"deep/er/file.txt", "file:deep"},
    {"odd \n\xff\"name\\", "file:odd"},
};

void set_up(const TestProject& project) {
  pull_before(project, "pulled.txt", "pulled, first edition");
  pull_before(project, "edited.blend", "pulled");
  pull_before(project, "pulled-file-to-folder", "was a file");
  project.write("changed.blend", "my own work");
  project.write("edited.blend", "pulled, then edited");
  project.write("folder-in-the-way/mine.txt", "in a folder that must become a file");
  project.write("file-in-the-way", "where a folder must be");
  project.make_link("link-in-the-way", "somewhere");
  project.write("untouched.txt", "not the giver's business");
}

// What the taker does: whatever is not yet as wanted. Equal contents are left alone, as diff() would.
void run(const TestProject& project, TestPull& pull) {
  for (const auto& [path, wanted] : kWanted) {
    if (project.look(path) == wanted && wanted != "folder") continue;
    if (wanted == "folder") {
      pull.folder(path, path == "empty" ? 0555 : 0755);
    } else if (wanted.rfind("link:", 0) == 0) {
      pull.link(path, wanted.substr(5));
    } else {
      pull.file(path, wanted.substr(5));
    }
  }
  pull.finish();
}

World before_the_pull() {
  TestProject project;
  set_up(project);
  World world;
  for (const auto& [path, wanted] : kWanted) world[path] = project.look(path);
  return world;
}

// `is_whole`: nothing was reported as failed, so that a new folder has all or nothing.
void check_nothing_is_half(const TestProject& project, const World& before, bool is_whole) {
  for (const auto& [path, wanted] : kWanted) {
    const std::string now = project.look(path);
    INFO("path " << path << " is " << now);
    // While something of another kind makes room, its name may be free for a moment.
    const bool kind_changes = before.at(path) != "" && (before.at(path) == "folder") != (wanted == "folder");
    CHECK((now == before.at(path) || now == wanted || (kind_changes && now.empty())));
    if (is_whole && path.rfind("new-folder/", 0) == 0)
      CHECK(now.empty() == project.look("new-folder").empty());
  }
}

void check_nothing_precious_is_lost(const TestProject& project) {
  const std::vector<std::string> kept = project.names_below(".callboard/versions");
  for (const auto& [path, content] : kPrecious) {
    const std::string suffix = "/" + path;
    bool is_there = project.look(path) == content;
    for (const std::string& place : kept) {
      const bool is_its_version = place.size() > suffix.size() &&
                                  place.compare(place.size() - suffix.size(), suffix.size(), suffix) == 0;
      is_there = is_there || (is_its_version && project.look(place) == content);
    }
    INFO("precious " << path);
    CHECK(is_there);
  }
}

void check_is_as_wanted(const TestProject& project) {
  for (const auto& [path, wanted] : kWanted) {
    INFO("path " << path);
    CHECK(project.look(path) == wanted);
  }
  CHECK(project.look("untouched.txt") == "file:not the giver's business");
}

// What is left to be swept is never more than what a next try can use.
void check_staging_is_clean(const TestProject& project) {
  for (const std::string& name : project.names_below(".callboard/tmp")) {
    INFO(name);
    CHECK(name.find(".callboard/tmp/kept/") == 0);
  }
}

void run_again_and_check(const TestProject& project) {
  FileOps ops;
  {
    TestPull again(project, ops, "2", Timestamp{1'795'269'200'000});
    run(project, again);
    INFO((again.result() ? "" : again.result().error().text));
    REQUIRE(again.result().has_value());
    CHECK(again.listener.failed == std::vector<std::string>{});
  }
  check_is_as_wanted(project);
  check_nothing_precious_is_lost(project);
  check_staging_is_clean(project);
}

int calls_of_an_undisturbed_pull(CommitOptions options = {}) {
  TestProject project;
  set_up(project);
  ScriptedOps ops;
  {
    TestPull pull(project, ops, "1", kStarted, options);
    run(project, pull);
    REQUIRE(pull.result().has_value());
  }
  return ops.calls();
}

}  // namespace

TEST_CASE("an undisturbed pull writes what the giver has and keeps what was changed here, and only that") {
  TestProject project;
  set_up(project);
  FileOps ops;
  {
    TestPull pull(project, ops);
    run(project, pull);
    INFO((pull.result() ? "" : pull.result().error().text));
    REQUIRE(pull.result().has_value());
    CHECK(pull.listener.failed == std::vector<std::string>{});
    // The four in the new folder got their names with it.
    CHECK(pull.listener.committed.size() == kWanted.size() - 4);
    CHECK(pull.listener.assembled == std::vector<std::string>{"empty: 0", "new-folder: 2"});
    std::set<std::string> kept;
    for (const KeptVersion& version : pull.listener.kept) kept.insert(version.path.bytes());
    CHECK(kept == std::set<std::string>{"changed.blend", "edited.blend", "folder-in-the-way",
                                        "file-in-the-way", "link-in-the-way"});
  }
  check_is_as_wanted(project);
  check_nothing_precious_is_lost(project);
  CHECK(project.names_below(".callboard/tmp") == std::vector<std::string>{});
  CHECK(project.names_below(".callboard/versions").size() == 5);
}

TEST_CASE(
    "whichever system call fails, no half file has a name, nothing is lost, and the next pull does the "
    "rest") {
  const World before = before_the_pull();
  const int calls = calls_of_an_undisturbed_pull();
  REQUIRE(calls > 50);
  for (const int error : {ENOSPC, EACCES}) {
    for (int n = 0; n < calls; ++n) {
      INFO("errno " << error << " at call " << n << " of " << calls);
      TestProject project;
      set_up(project);
      ScriptedOps ops([n, error](const ScriptedOps::Call& call) { return call.number == n ? error : 0; });
      {
        TestPull pull(project, ops);
        run(project, pull);
        check_nothing_is_half(project, before, pull.listener.failed.empty());
        check_nothing_precious_is_lost(project);
        if (pull.result() && pull.listener.failed.empty()) check_is_as_wanted(project);
      }
      run_again_and_check(project);
    }
  }
}

TEST_CASE("stopped between any two system calls, the pull loses nothing and the next one finishes the job") {
  const World before = before_the_pull();
  const CommitOptions options{.group_files = GENERATE(std::size_t{3}, kCommitGroupFiles)};
  const int calls = calls_of_an_undisturbed_pull(options);
  for (int n = 0; n < calls; ++n) {
    INFO("stopped before call " << n << " of " << calls);
    TestProject project;
    set_up(project);
    ScriptedOps ops([n](const ScriptedOps::Call& call) { return call.number >= n ? EIO : 0; });
    {
      TestPull pull(project, ops, "1", kStarted, options);
      run(project, pull);
    }
    check_nothing_is_half(project, before, true);
    check_nothing_precious_is_lost(project);
    run_again_and_check(project);
  }
}

TEST_CASE("where the file system cannot swap names or link, the pull ends the same") {
  TestProject project;
  set_up(project);
  int renames = 0;
  ScriptedOps ops([&renames](const ScriptedOps::Call& call) {
    if (call.kind == FileCall::link) return EPERM;
    if (call.kind == FileCall::rename && call.name == "pulled.txt") return ++renames == 2 ? EINVAL : 0;
    return 0;
  });
  {
    TestPull pull(project, ops);
    run(project, pull);
    REQUIRE(pull.result().has_value());
    CHECK(pull.listener.failed == std::vector<std::string>{});
  }
  CHECK(renames == 3);  // The name is taken; swapping is not possible; replacing is.
  check_is_as_wanted(project);
  check_nothing_precious_is_lost(project);
}

}  // namespace callboard::sync::pull_faults_test
