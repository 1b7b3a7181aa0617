#include "sync/watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <thread>

#include "base/fd.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::sync::watch_test {
namespace {

namespace fs = std::filesystem;
using support::TempDir;
using Writing = NameChange::Writing;

struct Watched {
  TempDir folder;
  Root root = Root::open(folder.path()).value();
  std::unique_ptr<Watch> watch = Watch::open(root).value();

  void add(std::string_view directory) const {
    const auto path = RelativePath::from_bytes(directory).value();
    const Fd fd = root.open_directory(path).value();
    REQUIRE(watch->add(path, fd.get()));
  }
  void forget(std::string_view directory) const {
    watch->forget(RelativePath::from_bytes(directory).value());
  }
  void write(const fs::path& name, std::string_view content) const {
    support::write_file(folder / name, content);
  }
};

// "directory/name" of all that changed.
std::set<std::string> paths(const Changes& changes) {
  std::set<std::string> all;
  for (const auto& [directory, names] : changes.directories) {
    for (const auto& [name, change] : names) all.insert(directory + "/" + name);
  }
  return all;
}

TEST_CASE("nothing is told while nothing changes") {
  const Watched project;
  project.write("a", "1");
  project.add("");
  CHECK(project.watch->take().empty());
  CHECK(support::read_file(project.folder / "a") == "1");
  CHECK(project.watch->take().empty());
}

TEST_CASE("a file made, written, changed, renamed and removed is told each time, once") {
  const Watched project;
  project.add("");
  project.write("a", "1");
  Changes changes = project.watch->take();
  CHECK(paths(changes) == std::set<std::string>{"/a"});
  CHECK(changes.directories[""]["a"].writing == Writing::closed);
  CHECK_FALSE(changes.directories[""]["a"].came_as_directory);
  CHECK(project.watch->take().empty());

  fs::permissions(project.folder / "a", fs::perms(0600));
  CHECK(paths(project.watch->take()) == std::set<std::string>{"/a"});
  fs::rename(project.folder / "a", project.folder / "b");
  changes = project.watch->take();
  CHECK(paths(changes) == std::set<std::string>{"/a", "/b"});
  CHECK(changes.moves.empty());
  fs::remove(project.folder / "b");
  CHECK(paths(project.watch->take()) == std::set<std::string>{"/b"});
}

TEST_CASE("a file is told to be open until its writer closes it") {
  const Watched project;
  project.add("");
  std::ofstream file(project.folder / "a");
  Changes changes = project.watch->take();
  CHECK(changes.directories[""]["a"].was_made);
  CHECK(changes.directories[""]["a"].writing == Writing::unknown);
  file << "1" << std::flush;
  CHECK(project.watch->take().directories[""]["a"].writing == Writing::open);
  file.close();
  CHECK(project.watch->take().directories[""]["a"].writing == Writing::closed);
}

TEST_CASE("a file that is linked into place whole is not taken for one being written") {
  const Watched project;
  project.add("");
  fs::create_directory(project.folder / "elsewhere");
  project.write("elsewhere/a", "1");
  static_cast<void>(project.watch->take());
  fs::create_hard_link(project.folder / "elsewhere/a", project.folder / "a");
  CHECK(project.watch->take().directories[""]["a"].writing == Writing::unknown);
}

TEST_CASE("only directories that were added are told of, and the private folder never") {
  const Watched project;
  fs::create_directories(project.folder / "d/e");
  fs::create_directories(project.folder / ".callboard");
  project.add("");
  project.add("d");
  project.write("d/a", "1");
  project.write("d/e/b", "1");
  project.write(".callboard/c", "1");
  fs::remove_all(project.folder / ".callboard");
  CHECK(paths(project.watch->take()) == std::set<std::string>{"d/a"});
  CHECK(project.watch->directory_count() == 2);
}

TEST_CASE("directories that come, go and change are told as names of their parents") {
  const Watched project;
  project.add("");
  fs::create_directory(project.folder / "d");
  CHECK(project.watch->take().directories[""]["d"].came_as_directory);
  project.add("d");
  fs::permissions(project.folder / "d", fs::perms(0700));
  Changes changes = project.watch->take();
  CHECK(paths(changes) == std::set<std::string>{"/d"});
  CHECK_FALSE(changes.directories[""]["d"].came_as_directory);
  fs::remove(project.folder / "d");
  CHECK(paths(project.watch->take()) == std::set<std::string>{"/d"});
  CHECK(project.watch->directory_count() == 1);
  // A file in its place is no directory.
  fs::create_directory(project.folder / "d");
  fs::remove(project.folder / "d");
  project.write("d", "1");
  CHECK_FALSE(project.watch->take().directories[""]["d"].came_as_directory);
  fs::permissions(project.folder.path(), fs::perms(0700));
  CHECK(paths(project.watch->take()) == std::set<std::string>{"/"});
}

TEST_CASE("a renamed directory is told as a move, and tells under its new path once it is added there") {
  const Watched project;
  fs::create_directories(project.folder / "a/x");
  fs::create_directories(project.folder / "b");
  for (const char* each : {"", "a", "a/x", "b"}) project.add(each);
  fs::rename(project.folder / "a", project.folder / "b/c");
  Changes changes = project.watch->take();
  CHECK(paths(changes) == std::set<std::string>{"/a", "b/c"});
  CHECK(changes.directories["b"]["c"].came_as_directory);
  REQUIRE(changes.moves.size() == 1);
  CHECK(changes.moves[0].from == "a");
  CHECK(changes.moves[0].to == "b/c");

  project.add("b/c");
  project.add("b/c/x");
  // Of no effect: both belong to their new paths.
  project.forget("a");
  CHECK(project.watch->directory_count() == 4);
  project.write("b/c/x/f", "1");
  CHECK(paths(project.watch->take()) == std::set<std::string>{"b/c/x/f"});
}

TEST_CASE("what was forgotten is told no longer, and its neighbours still are") {
  const Watched project;
  for (const char* each : {"a", "a/b", "a/b/c", "a-", "a0"}) {
    fs::create_directories(project.folder / each);
    project.add(each);
  }
  project.forget("a");
  CHECK(project.watch->directory_count() == 2);
  for (const char* each : {"a/f", "a/b/f", "a/b/c/f", "a-/f", "a0/f"}) project.write(each, "1");
  CHECK(paths(project.watch->take()) == std::set<std::string>{"a-/f", "a0/f"});
}

TEST_CASE("a directory moved out of the project is told as gone, not as moved") {
  const Watched project;
  const TempDir outside;
  fs::create_directory(project.folder / "a");
  project.add("");
  fs::rename(project.folder / "a", outside / "a");
  const Changes changes = project.watch->take();
  CHECK(paths(changes) == std::set<std::string>{"/a"});
  CHECK(changes.moves.empty());
}

TEST_CASE("thousands of changes between two takes are all told") {
  const Watched project;
  project.add("");
  for (int i = 0; i < 3000; ++i) project.write(std::to_string(i), "1");
  const Changes changes = project.watch->take();
  CHECK_FALSE(changes.everything);
  CHECK(paths(changes).size() == 3000);
}

TEST_CASE("when changes are lost everything is told to be in doubt, and after a restart nothing is") {
  const Watched project;
  project.add("");
  const std::size_t queue = std::stoul(support::read_file("/proc/sys/fs/inotify/max_queued_events"));
  if (queue > 100'000) return;  // Another machine's setting: it would take too long.
  for (std::size_t i = 0; i <= queue; ++i) {
    static_cast<void>(
        ::close(::open((project.folder / std::to_string(i % 1000)).c_str(), O_WRONLY | O_CREAT, 0600)));
  }
  CHECK(project.watch->take().everything);
  REQUIRE(project.watch->restart());
  CHECK(project.watch->directory_count() == 0);
  project.add("");
  CHECK(project.watch->take().empty());
  project.write("a", "1");
  CHECK(paths(project.watch->take()) == std::set<std::string>{"/a"});
}

TEST_CASE("when the project folder itself is removed all that was in it is told as gone") {
  const Watched project;
  project.write("a", "1");
  project.write("d/b", "1");
  project.add("");
  project.add("d");
  fs::remove_all(project.folder.path());
  CHECK(paths(project.watch->take()) == std::set<std::string>{"/a", "/d", "d/b"});
}

TEST_CASE("a limit that is reached is an error that says what to raise") {
  Watched project;
  fs::create_directories(project.folder / "d/e");
  project.watch = Watch::open(project.root, 2).value();
  project.add("");
  project.add("d");
  project.add("d");
  const auto path = RelativePath::from_bytes("d/e").value();
  const Fd fd = project.root.open_directory(path).value();
  const auto added = project.watch->add(path, fd.get());
  REQUIRE_FALSE(added);
  CHECK(added.error().outcome == Outcome::refused);
  CHECK(added.error().text == "too many folders to watch (fs.inotify.max_user_watches)");
}

TEST_CASE("waiting ends with a change, and with a wake from another thread") {
  const Watched project;
  project.add("");
  project.write("a", "1");
  project.watch->wait(std::nullopt);
  CHECK_FALSE(project.watch->take().empty());
  std::thread waker([&] { project.watch->wake(); });
  project.watch->wait(std::nullopt);
  waker.join();
  CHECK(project.watch->take().empty());
  project.watch->wait(0s);
}

}  // namespace
}  // namespace callboard::sync::watch_test
