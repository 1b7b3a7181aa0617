// What --mirror does to names: renaming and removing, undisturbed and with a fault at each call.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::mover_test {
namespace {

std::uint64_t inode_of(const TestProject& project, std::string_view path) {
  const Result<FileStatus> status = project.root().status(at(path));
  REQUIRE(status.has_value());
  return status->inode;
}

std::string kept(const TestPull& pull, std::string_view path) {
  for (const KeptVersion& version : pull.listener.removed) {
    if (version.path.bytes() == path) return version.place;
  }
  return "";
}

}  // namespace

TEST_CASE("a removed file and a removed folder are among the versions as they were") {
  TestProject project;
  project.write("gone", "mine");
  project.write("old/a", "1");
  project.write("old/below/b", "2");
  project.make_folder("old/empty");
  FileOps ops;
  TestPull pull(project, ops);
  pull.remove("gone");
  pull.remove_folder("old");
  pull.remove("never-was");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(pull.listener.failed.empty());
  CHECK(project.look("gone") == "");
  CHECK(project.look("old") == "");
  REQUIRE(pull.listener.removed.size() == 2);
  CHECK(project.look(kept(pull, "gone")) == "file:mine");
  CHECK(project.look(kept(pull, "old") + "/below/b") == "file:2");
  CHECK(project.look(kept(pull, "old") + "/empty") == "folder");
}

TEST_CASE("of a folder with something else in it goes what was seen, and it stays with the rest") {
  TestProject project;
  project.write("old/a", "1");
  project.write("old/below/b", "2");
  project.write("old/full/c", "3");
  FileOps ops;
  TestPull pull(project, ops);
  pull.remove_folder("old");
  project.write("old/full/made-meanwhile", "new");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.names_below("old") == std::vector<std::string>{"old/full/made-meanwhile"});
  CHECK(project.look("old/below") == "");
  CHECK(pull.listener.removed.size() == 3);
  CHECK(project.look(kept(pull, "old/full/c")) == "file:3");
}

TEST_CASE("a renamed folder is the same one under its new name, and its files count as pulled") {
  TestProject project;
  project.write("old/a", "1");
  project.write("old/below/b", "2");
  project.make_link("old/l", "a");
  const std::uint64_t inode = inode_of(project, "old");
  FileOps ops;
  TestPull pull(project, ops);
  pull.folder("new");
  pull.finish();  // Nothing is renamed into a directory that has no name yet.
  pull.rename_folder("old", "new/name");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(pull.listener.failed.empty());
  CHECK(inode_of(project, "new/name") == inode);
  CHECK(project.look("old") == "");
  CHECK(project.look("new/name/below/b") == "file:2");
  CHECK(project.look("new/name/l") == "link:a");
  CHECK(pull.index().pulled_digest(at("new/name/below/b")).value() == file_entry("b", "2").digest);
  CHECK(pull.listener.removed.empty());
}

TEST_CASE("a folder that changed since it was seen is not renamed") {
  for (const std::string path : {"old/a", "old/new-one"}) {
    INFO(path);
    TestProject project;
    project.write("old/a", "1");
    FileOps ops;
    TestPull pull(project, ops);
    pull.rename_folder("old", "name");
    project.write(path, "changed meanwhile");
    pull.finish();
    REQUIRE(pull.result().has_value());
    CHECK(pull.listener.sources_changed == std::vector<std::string>{"old"});
    CHECK_FALSE(pull.listener.has_changed);
    CHECK(pull.listener.failed.empty());
    CHECK(project.look("name") == "");
    CHECK(project.look(path) == "file:changed meanwhile");
  }
}

TEST_CASE("what is saved here while its folder is renamed is not taken for what was pulled") {
  TestProject project;
  project.write("old/a", "1");
  project.write("old/b", "2");
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    if (call.kind == FileCall::rename && call.name == "name") project.write("old/a", "x");
    return 0;
  });
  TestPull pull(project, ops);
  pull.rename_folder("old", "name");
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.look("name/a") == "file:x");
  CHECK_FALSE(pull.index().pulled_digest(at("name/a")).value().has_value());
  CHECK(pull.index().pulled_digest(at("name/b")).value() == file_entry("b", "2").digest);
}

TEST_CASE("a file that is saved here while it is renamed keeps its own time and is looked at again") {
  TestProject project;
  project.write("old", "content");
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    if (call.kind == FileCall::rename && call.name == "new") project.write("old", "CONTENT");
    return 0;
  });
  TestPull pull(project, ops);
  pull.rename("old", "new", file_entry("new", "content", 42'000'000'001));
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.look("new") == "file:CONTENT");
  CHECK(project.root().status(at("new")).value().mtime_ns != 42'000'000'001);
  CHECK_FALSE(pull.index().pulled_digest(at("new")).value().has_value());
  CHECK(pull.listener.sources_changed == std::vector<std::string>{"old"});
  CHECK(pull.listener.has_changed);
}

TEST_CASE("a file that is saved here before it gets the giver's time keeps its own") {
  TestProject project;
  project.write("f", "content");
  int looks = 0;
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    if (call.kind == FileCall::inspect && call.name == "f" && ++looks == 2) project.write("f", "CONTENT");
    return 0;
  });
  TestPull pull(project, ops);
  pull.metadata("f", file_entry("f", "content", 42'000'000'001));
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(project.root().status(at("f")).value().mtime_ns != 42'000'000'001);
  CHECK_FALSE(pull.index().pulled_digest(at("f")).value().has_value());
  CHECK(pull.listener.failed.size() == 1);
}

TEST_CASE("of a folder that cannot be removed whole it is told what went and why the rest did not") {
  TestProject project;
  project.write("old/a", "1");
  project.write("old/b", "2");
  ScriptedOps ops([&](const ScriptedOps::Call& call) {
    return call.kind == FileCall::rename && call.name.find('b') == 0 ? EACCES : 0;
  });
  TestPull pull(project, ops);
  pull.remove_folder("old");
  project.write("old/made-meanwhile", "new");
  pull.finish();
  CHECK(pull.listener.removed.size() == 1);
  CHECK(project.look("old/b") == "file:2");
  CHECK((pull.listener.failed.size() == 1 || !pull.result().has_value()));
}

TEST_CASE("a renamed file gets the giver's mode and time, and keeps what was changed under its new name") {
  TestProject project;
  project.write("old", "content");
  project.write("new", "mine");
  const std::uint64_t inode = inode_of(project, "old");
  FileOps ops;
  TestPull pull(project, ops);
  pull.rename("old", "new", file_entry("new", "content", 42'000'000'001, 0600));
  pull.rename("not-there", "other", file_entry("other", "content"));
  pull.finish();
  REQUIRE(pull.result().has_value());
  CHECK(inode_of(project, "new") == inode);
  CHECK(project.look("old") == "");
  const Result<FileStatus> status = project.root().status(at("new"));
  REQUIRE(status.has_value());
  CHECK(status->mtime_ns == 42'000'000'001);
  CHECK(status->mode == 0600);
  REQUIRE(pull.listener.kept.size() == 1);
  CHECK(project.look(pull.listener.kept[0].place) == "file:mine");
  CHECK(pull.listener.sources_changed == std::vector<std::string>{"not-there"});
  CHECK(pull.listener.has_changed);
  CHECK(pull.listener.failed.empty());
}

TEST_CASE("whichever call fails, or stops it, what is renamed or removed is under one of its names") {
  const auto set_up = [](const TestProject& project) {
    project.write("old/a", "one");
    project.write("old/b", "two");
    project.write("gone/c", "three");
    project.write("file", "four");
    project.write("moved", "five");
    project.write("in-the-way", "six");
  };
  const auto run = [](TestPull& pull) {
    if (!pull.is_open()) return;
    pull.rename_folder("old", "new");
    pull.rename("moved", "in-the-way", file_entry("in-the-way", "five"));
    pull.remove_folder("gone");
    pull.remove("file");
    pull.finish();
  };
  int calls = 0;
  {
    TestProject project;
    set_up(project);
    ScriptedOps ops;
    TestPull pull(project, ops);
    run(pull);
    REQUIRE(pull.result().has_value());
    calls = ops.calls();
  }
  REQUIRE(calls > 20);
  for (const bool stops : {false, true}) {
    for (int n = 0; n < calls; ++n) {
      INFO("call " << n << " of " << calls << (stops ? " and all after it" : " alone"));
      TestProject project;
      set_up(project);
      ScriptedOps ops([&](const ScriptedOps::Call& call) {
        return (stops ? call.number >= n : call.number == n) ? EACCES : 0;
      });
      {
        TestPull pull(project, ops);
        run(pull);
      }
      // Everything is somewhere, exactly once but for what is linked into the versions before it is replaced.
      std::string all;
      for (const std::string& name : project.names_below("")) {
        if (name.find(".callboard/index") != 0) all += project.look(name) + ";";
      }
      for (const std::string content : {"one", "two", "three", "four", "five", "six"}) {
        INFO(content << " in " << all);
        CHECK(all.find("file:" + content + ";") != std::string::npos);
      }
    }
  }
}

}  // namespace callboard::sync::mover_test
