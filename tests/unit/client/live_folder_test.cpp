#include "client/live_folder.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <future>

#include "client/item_watch.h"
#include "sync/hash.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::client::live_folder_test {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

sync::RelativePath path(std::string_view bytes) { return sync::RelativePath::from_bytes(bytes).value(); }

struct Project {
  TempDir folder;
  sync::Root root = sync::Root::open(folder.path()).value();
  sync::Index index = sync::Index::in_memory().value();
  LiveFolder live{root, index, system_clock()};
  const std::atomic<bool> cancelled{false};

  void write(const fs::path& name, std::string_view content) const {
    support::write_file(folder / name, content);
  }
  Result<std::shared_ptr<const sync::Tree>> snapshot(std::string_view top = "") {
    return live.snapshot(path(top), cancelled);
  }
};

void make_older(const fs::path& file) { fs::last_write_time(file, fs::last_write_time(file) - 10s); }

TEST_CASE("a snapshot sees what was saved before it was asked for, watched or not") {
  Project project;
  const bool is_watched = GENERATE(false, true);
  if (is_watched) project.live.start();
  project.write("d/a", "0");
  CHECK(project.snapshot().value()->files() == 1);
  CHECK(project.live.is_live() == is_watched);
  for (int i = 1; i < 100; ++i) {
    const std::string content = std::to_string(i);
    project.write("d/a", content);
    project.write("d/" + content + "/new", content);
    const auto tree = project.snapshot("d").value();
    REQUIRE(tree->files() == std::uint64_t(i) + 1);
    REQUIRE(tree->digest_of(path("d/a")) == sync::digest_of(as_bytes(content)));
  }
  CHECK(project.snapshot("none").error().outcome == Outcome::not_found);
  CHECK(project.live.trouble().empty());
}

TEST_CASE("a snapshot of a watched folder is a part of its tree, not a copy") {
  Project project;
  project.live.start();
  project.write("d/a", "1");
  const auto part = project.snapshot("d").value();
  CHECK(part->whole() == project.live.tree()->part(path("d"))->whole());
  project.write("e", "1");
  CHECK(project.snapshot("d").value()->whole() == part->whole());
}

TEST_CASE("a snapshot waits for its own files while they are read, however many") {
  Project project;
  project.write("d/a", "1");
  project.live.start(sync::Watch::kDirectoriesMax, 0);
  while (!project.live.is_live()) static_cast<void>(project.snapshot());
  project.write("d/a", std::string(8 * MiB, 'a'));
  project.write("d/new/b", std::string(8 * MiB, 'b'));
  const auto part = project.snapshot("d").value();
  CHECK(part->files() == 2);
  CHECK(part->whole() == project.live.tree()->part(path("d"))->whole());
  project.write("d/a", std::string(8 * MiB, 'c'));
  const auto file = project.snapshot("d/a").value();
  CHECK(file->top().digest == project.live.tree()->digest_of(path("d/a")));
}

TEST_CASE("what is read is of whoever would have to read it, too") {
  const LiveFolder::Reading files{path("a/b"), {"x", "y"}};
  for (const char* own : {"", "a", "a/b"}) CHECK(files.is_of(path(own)));
  // Who wants one of them need not wait for its neighbours.
  for (const char* other : {"a/b/x", "a/b/y", "a/b/z", "a/c", "a/b/x/deeper", "b"})
    CHECK_FALSE(files.is_of(path(other)));
  const LiveFolder::Reading in_root{path(""), {"large.mov"}};
  CHECK(in_root.is_of(path("large.mov")));
  CHECK_FALSE(in_root.is_of(path("a")));
  const LiveFolder::Reading came{path("a/b"), {}};
  CHECK(came.is_of(path("a")));
  CHECK_FALSE(came.is_of(path("a/b/x")));
}

TEST_CASE("a file that is being written is refused by name") {
  Project project;
  project.live.start();
  CHECK(project.snapshot().value()->files() == 0);
  std::ofstream file(project.folder / "a");
  file << "1" << std::flush;
  const auto refused = project.snapshot("a");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text == "\"/a\": is being written");
  file.close();
  CHECK(project.snapshot("a").value()->files() == 1);
}

TEST_CASE("a folder that cannot be watched any more is looked at each time") {
  Project project;
  project.live.start(2);
  project.write("a/x", "1");
  make_older(project.folder / "a/x");
  CHECK(project.snapshot().value()->files() == 1);
  CHECK(project.live.is_live());
  project.write("b/x", "1");
  make_older(project.folder / "b/x");
  CHECK(project.snapshot().value()->files() == 2);
  CHECK_FALSE(project.live.is_live());
  CHECK(project.live.trouble() == "too many folders to watch (fs.inotify.max_user_watches)");
  project.write("c/x", "1");
  make_older(project.folder / "c/x");
  CHECK(project.snapshot().value()->files() == 3);
}

TEST_CASE("where nobody watches, what was written to just now is waited for, and left out while it grows") {
  Project project;
  project.live.start(1);
  project.write("a/x", "1");
  make_older(project.folder / "a/x");
  project.write("a/growing", "1");
  // As if it were written to once more while it is waited for.
  const auto touch = [&] {
    fs::last_write_time(project.folder / "a/growing", fs::file_time_type::clock::now() + 900ms);
  };
  touch();
  const auto tree = project.snapshot().value();
  REQUIRE_FALSE(project.live.is_live());
  CHECK(tree->files() == 1);
  REQUIRE(tree->refused(10).size() == 1);
  CHECK(tree->refused(10).front().item == "/a/growing");
  CHECK(tree->refused(10).front().reason == "is being written");
  touch();
  CHECK(project.snapshot("a/growing").error().text == "\"/a/growing\": is being written");
  fs::last_write_time(project.folder / "a/growing", fs::file_time_type::clock::now());
  CHECK(project.snapshot().value()->files() == 2);
}

TEST_CASE("what is open for writing is left out, watched or not, though nothing was written for a while") {
  Project project;
  const bool is_watched = GENERATE(false, true);
  project.write("b/closed", "1");
  std::ofstream open(project.folder / "b/open");
  open << "half" << std::flush;
  for (const char* name : {"b/closed", "b/open"}) make_older(project.folder / name);
  project.live.start(is_watched ? sync::Watch::kDirectoriesMax : 1);
  const auto tree = project.snapshot().value();
  CHECK(project.live.is_live() == is_watched);
  CHECK(tree->files() == 1);
  CHECK(project.snapshot("b/open").error().text == "\"/b/open\": is being written");
  open.close();
  make_older(project.folder / "b/open");
  CHECK(project.snapshot().value()->files() == 2);
}

TEST_CASE("changes are told without anybody asking") {
  Project project;
  std::promise<void> told;
  project.write("a", "1");
  project.live.set_on_changed([&, has_told = false]() mutable {
    if (project.live.tree()->files() == 2 && !std::exchange(has_told, true)) told.set_value();
  });
  project.live.start();
  CHECK(project.snapshot().value()->files() == 1);
  project.write("b", "1");
  CHECK(told.get_future().wait_for(20s) == std::future_status::ready);
  project.live.set_on_changed({});
}

TEST_CASE("an item that is saved is told of, from the live tree as from looking again and again") {
  const TempDir folder;
  support::write_file(folder / "dev/chr/Moria/a.blend", "1");
  const auto project = ProjectFolder::open(folder.path()).value();
  net::Loop loop;
  ItemWatch::Changes changes;
  ItemWatch::Handlers handlers;
  handlers.on_first_look = [] {};
  handlers.on_changes = [&](const ItemWatch::Changes& told) { changes = told; };
  handlers.on_warning = [](std::string_view text) { FAIL(text); };
  ItemWatch watch(loop, *project, {}, std::move(handlers));
  REQUIRE(loop.run_until([&] { return watch.items().has_value() && project->live().is_live(); }, 20s));
  CHECK(watch.items()->contains("/dev/chr/Moria"));

  support::write_file(folder / "dev/chr/Bilbo/a.blend", "1");
  REQUIRE(loop.run_until([&] { return !changes.empty(); }, 20s));
  REQUIRE(changes.contains("/dev/chr/Bilbo"));
  CHECK(changes.at("/dev/chr/Bilbo").has_value());
  changes.clear();
  fs::remove_all(folder / "dev/chr/Moria");
  REQUIRE(loop.run_until([&] { return !changes.empty(); }, 20s));
  CHECK(changes == ItemWatch::Changes{{"/dev/chr/Moria", std::nullopt}});
}

}  // namespace
}  // namespace callboard::client::live_folder_test
