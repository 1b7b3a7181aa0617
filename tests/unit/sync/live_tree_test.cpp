#include "sync/live_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <random>

#include "base/fd.h"
#include "sync/chunk_list.h"
#include "sync/file_ops.h"
#include "sync/hash.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::sync::live_tree_test {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

RelativePath path(std::string_view bytes) { return RelativePath::from_bytes(bytes).value(); }

// Stands still but when it is moved; the wall's as far ahead of the files' times as it is told.
class HandClock final : public Clock {
 public:
  Timestamp wall() const override {
    return {system_clock().wall().ms + std::chrono::duration_cast<std::chrono::milliseconds>(ahead).count()};
  }
  Instant monotonic() const override { return Instant(1000s + ahead); }
  Duration ahead{0};
};

// Of a file system that says who has a file open, or does not.
struct Leases : FileOps {
  bool are_there = true;
  int asked = 0;
  int fault(FileCall call, const std::string&) override {
    asked += call == FileCall::open ? 1 : 0;
    return call == FileCall::open && !are_there ? EACCES : 0;
  }
};

struct Live {
  TempDir folder;
  Root root = Root::open(folder.path()).value();
  Index index = Index::in_memory().value();
  HandClock clock;
  Leases ops;
  std::unique_ptr<LiveTree> live = LiveTree::open({root, index, clock, ops}).value();

  void write(const fs::path& name, std::string_view content) const {
    support::write_file(folder / name, content);
  }
  const Tree& settled() {
    REQUIRE(live->settle({}));
    return *live->tree();
  }
  // How many files the settling had to read.
  std::uint64_t hashed_by_settling() {
    const std::uint64_t before = live->files_hashed();
    settled();
    return live->files_hashed() - before;
  }
  // As one finds it who knows nothing.
  std::shared_ptr<const Tree> scanned() const {
    Index empty = Index::in_memory().value();
    return scan(root, empty, {}, system_clock()).value().tree;
  }
  void check_as_scanned() {
    const Tree& tree = settled();
    const auto fresh = scanned();
    REQUIRE(tree.top() == fresh->top());
    CHECK(tree.files() == fresh->files());
    CHECK(tree.bytes() == fresh->bytes());
    CHECK(tree.directory_count() == fresh->directory_count());
    CHECK(tree.whole()->newest_ns == fresh->whole()->newest_ns);
    CHECK(tree.refused(1000).size() == fresh->refused(1000).size());
    CHECK(live->watch().directory_count() == fresh->directory_count());
  }
};

std::string refusal(const Tree& tree, std::string_view item) {
  for (const Tree::Refused& each : tree.refused(1000)) {
    if (each.item == item) return each.reason;
  }
  return {};
}

TEST_CASE("a live tree begins as a scan and then reads only what changed") {
  Live project;
  support::make_tree(project.folder / "t", {.seed = 3, .files = 60, .files_per_directory = 7});
  CHECK(project.hashed_by_settling() == 60);
  project.check_as_scanned();
  const auto before = project.live->tree();
  CHECK(project.hashed_by_settling() == 0);
  CHECK(project.live->tree() == before);

  project.write("t/new", "1");
  CHECK(project.hashed_by_settling() == 1);
  project.check_as_scanned();
  // The snapshot of before is as it was.
  CHECK_FALSE(before->digest_of(path("t/new")));
  CHECK(before->files() == 60);
}

TEST_CASE("files and folders that come, change and go are in the tree after settling") {
  Live project;
  project.settled();
  const auto edit = [&](const auto& change) {
    change();
    project.check_as_scanned();
  };
  const fs::path top = project.folder.path();
  edit([&] { project.write("a/b/c/d", "1"); });
  edit([&] { project.write("a/b/c/e", "2"); });
  edit([&] { fs::rename(top / "a/b/c/e", top / "a/e"); });
  edit([&] { fs::create_symlink("e", top / "a/link"); });
  edit([&] { fs::create_symlink("/etc", top / "a/outside"); });
  edit([&] { fs::permissions(top / "a/b", fs::perms(0700)); });
  edit([&] { fs::permissions(top / "a/b/c/d", fs::perms(0600)); });
  edit([&] { fs::permissions(top, fs::perms(0700)); });
  edit([&] { fs::rename(top / "a/b", top / "b"); });
  edit([&] { project.write("b/c/f", "3"); });
  edit([&] {
    fs::permissions(top / "b", fs::perms(0750));
    project.write("b/c/g", "4");
  });
  edit([&] { REQUIRE(::mkfifo((top / "b/pipe").c_str(), 0600) == 0); });
  edit([&] {
    fs::rename(top / "a", top / "x");
    fs::rename(top / "b", top / "a");
    fs::rename(top / "x", top / "b");
  });
  edit([&] {
    fs::remove_all(top / "a");
    project.write("a", "a file now");
  });
  edit([&] {
    fs::remove(top / "a");
    project.write("a/again", "a folder");
  });
  edit([&] { fs::remove_all(top / "a"); });
  edit([&] { fs::remove_all(top / "b"); });
  CHECK(project.live->tree()->files() == 0);
}

TEST_CASE("a folder that is renamed or moved into another known one is not read again") {
  Live project;
  support::make_tree(project.folder / "t/in", {.seed = 4, .files = 50, .files_per_directory = 5});
  project.clock.ahead = 1h;
  project.settled();
  REQUIRE(project.live->save());
  fs::rename(project.folder / "t", project.folder / "u");
  CHECK(project.hashed_by_settling() == 0);
  fs::create_directory(project.folder / "deep");
  project.settled();
  fs::rename(project.folder / "u/in", project.folder / "deep/in");
  CHECK(project.hashed_by_settling() == 0);
  project.check_as_scanned();
}

TEST_CASE("a file is left out, and said to be written, until its writer closes it") {
  Live project;
  project.write("old", "1");
  project.settled();
  std::ofstream file(project.folder / "old", std::ios::app);
  file << "2" << std::flush;
  std::ofstream placeholder(project.folder / "empty");
  const Tree& tree = project.settled();
  CHECK(refusal(tree, "/old") == "is being written");
  CHECK(refusal(tree, "/empty") == "is being written");
  CHECK(tree.files() == 0);
  CHECK(project.live->files_hashed() == 1);

  file.close();
  placeholder.close();
  project.check_as_scanned();
  CHECK(project.live->tree()->files() == 2);
}

TEST_CASE("a file that stays open is taken once nothing was written for a second where nobody says it is") {
  Live project;
  project.ops.are_there = false;
  project.settled();
  std::ofstream file(project.folder / "a");
  file << "1" << std::flush;
  CHECK(project.settled().files() == 0);
  CHECK(project.live->idle_for() == std::optional<Duration>(LiveTree::kStableAfter));
  project.clock.ahead = LiveTree::kStableAfter - 1ms;
  file << "2" << std::flush;
  CHECK(project.settled().files() == 0);
  project.clock.ahead += LiveTree::kStableAfter - 1ms;
  CHECK(project.settled().files() == 0);
  project.clock.ahead += 1ms;
  CHECK(project.settled().files() == 1);
  CHECK(project.live->tree()->digest_of(path("a")) == digest_of(as_bytes("12")));
}

TEST_CASE("a file that is open for writing is left out however slowly it grows, but not for ever") {
  Live project;
  project.settled();
  std::ofstream file(project.folder / "a");
  file << "1" << std::flush;
  CHECK(project.settled().files() == 0);
  project.clock.ahead += LiveTree::kStableAfter;
  CHECK(refusal(project.settled(), "/a") == "is being written");
  CHECK(project.live->idle_for() == std::optional<Duration>(kOpenStableAfter - LiveTree::kStableAfter));
  fs::create_directory(project.folder / "d");
  project.settled();
  CHECK(project.ops.asked == 1);  // Not with each change of another.
  file << "2" << std::flush;
  project.clock.ahead += kOpenStableAfter - 1ms;
  CHECK(project.settled().files() == 0);
  SECTION("until it is closed") { file.close(); }
  SECTION("until it was left alone for long") { project.clock.ahead += kOpenStableAfter; }
  CHECK(project.settled().digest_of(path("a")) == digest_of(as_bytes("12")));
}

TEST_CASE("a file that was open for writing before it was watched is left out until it is closed") {
  Live project;
  std::ofstream file(project.folder / "a");
  file << "1" << std::flush;
  std::ofstream old(project.folder / "old");
  old << "1" << std::flush;
  fs::last_write_time(project.folder / "old", fs::file_time_type::clock::now() - kOpenStableAfter - 1s);
  project.write("b", "closed");
  SECTION("before the scan") {}
  SECTION("before its folder came") {
    const TempDir elsewhere;
    fs::create_directory(elsewhere / "d");
    project.settled();
    std::ofstream(elsewhere / "d/c") << "closed";
    std::ofstream other(elsewhere / "d/a");
    other << "1" << std::flush;
    fs::rename(elsewhere / "d", project.folder / "d");
    CHECK(refusal(project.settled(), "/d/a") == "is being written");
    CHECK(project.live->tree()->digest_of(path("d/c")));
    other.close();
    CHECK(project.settled().digest_of(path("d/a")));
  }
  CHECK(refusal(project.settled(), "/a") == "is being written");
  CHECK(project.live->tree()->digest_of(path("b")));
  CHECK(project.live->tree()->digest_of(path("old")));
  file << "2";
  file.close();
  CHECK(project.settled().digest_of(path("a")) == digest_of(as_bytes("12")));
}

TEST_CASE("a file that one program closes and another has open is left out until both have closed it") {
  Live project;
  project.settled();
  std::ofstream one(project.folder / "a");
  const bool is_renamed = GENERATE(false, true);
  if (is_renamed) {
    one << "1" << std::flush;
    fs::rename(project.folder / "a", project.folder / "b");
    fs::rename(project.folder / "b", project.folder / "a");
  } else {
    project.write("a", "1");
  }
  CHECK(refusal(project.settled(), "/a") == "is being written");
  one.close();
  CHECK(project.settled().digest_of(path("a")) == digest_of(as_bytes("1")));
}

TEST_CASE("a file that is appended to again and again is being written until it is left alone") {
  Live project;
  project.settled();
  const auto append = [&] { std::ofstream(project.folder / "log", std::ios::app) << "line\n"; };
  append();
  CHECK(project.settled().files() == 1);
  append();
  CHECK(project.settled().files() == 1);
  for (int i = 0; i < 3; ++i) {
    project.clock.ahead += 100ms;
    append();
    CHECK(refusal(project.settled(), "/log") == "is being written");
  }
  CHECK(project.live->idle_for() == std::optional<Duration>(LiveTree::kStableAfter));
  project.clock.ahead += LiveTree::kStableAfter;
  CHECK(project.settled().files() == 1);
  append();
  CHECK(project.settled().files() == 1);
}

TEST_CASE("a time that is set is no writing, though the system tells it as such") {
  Live project;
  project.write("a", "1");
  project.settled();
  // The time of writing alone, as `touch -m` does: told as a write that no closing follows.
  const auto years = GENERATE(-1, 1);
  fs::last_write_time(project.folder / "a", fs::file_time_type::clock::now() + years * 24h * 365);
  CHECK(refusal(project.settled(), "/a").empty());
  project.check_as_scanned();
}

TEST_CASE("a file that is given the time of a pulled one is not being written, however near that is") {
  Live project;
  project.write("a", "1");
  project.settled();
  FileOps ops;
  const Fd folder(::open(project.folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(ops.set_mtime_at({folder.get(), "a"}, system_clock().wall().ms * 1'000'000 - 7'000'000) == 0);
  CHECK(refusal(project.settled(), "/a").empty());
  project.check_as_scanned();
}

TEST_CASE("a file renamed over one that is being written is taken at once") {
  Live project;
  project.settled();
  std::ofstream file(project.folder / "a");
  file << "half" << std::flush;
  CHECK(project.settled().files() == 0);
  project.write("b", "whole");
  fs::rename(project.folder / "b", project.folder / "a");
  CHECK(project.settled().digest_of(path("a")) == digest_of(as_bytes("whole")));
}

TEST_CASE("what was learnt from changes is saved once it has settled, so that a start reads nothing again") {
  Live project;
  project.settled();
  project.write("d/a", "1");
  project.settled();
  project.write("d/b", "2");
  project.settled();
  REQUIRE(project.live->save());
  // Too new to be trusted.
  CHECK(project.index.known_in(path("d")).size() == 0);
  CHECK(project.live->idle_for().has_value());
  project.clock.ahead = 1h;
  CHECK(project.live->idle_for() == std::optional<Duration>(0ns));
  project.settled();
  REQUIRE(project.live->save());
  CHECK_FALSE(project.live->idle_for().has_value());
  project.live = LiveTree::open({project.root, project.index, project.clock, project.ops}).value();
  CHECK(project.hashed_by_settling() == 0);
  CHECK(project.live->tree()->files() == 2);
}

TEST_CASE("the index forgets folders that went") {
  Live project;
  project.clock.ahead = 1h;
  project.write("d/e/a", "1");
  project.settled();
  CHECK(project.index.known_in(path("d/e")).size() == 1);
  fs::remove_all(project.folder / "d");
  project.settled();
  REQUIRE(project.live->save());
  CHECK(project.index.known_in(path("d/e")).size() == 0);
}

TEST_CASE("a pulled file that the index knows is not read when it comes") {
  Live project;
  project.settled();
  project.write("a", "1");
  const FileStatus status = project.root.status(path("a")).value();
  fs::rename(project.folder / "a", project.folder / "b");
  const FileStatus renamed = project.root.status(path("b")).value();
  CHECK(renamed.inode == status.inode);
  REQUIRE(project.index.record_pulled(
      std::vector<Index::Pulled>{{path("b"), digest_of(as_bytes("1")), renamed}}));
  CHECK(project.hashed_by_settling() == 0);
  CHECK(project.live->tree()->digest_of(path("b")) == digest_of(as_bytes("1")));
}

TEST_CASE("after changes were lost the tree is right all the same") {
  Live project;
  project.write("t/a", "1");
  project.clock.ahead = 1h;
  project.settled();
  const std::size_t queue = std::stoul(support::read_file("/proc/sys/fs/inotify/max_queued_events"));
  if (queue > 100'000) return;  // Another machine's setting: it would take too long.
  for (std::size_t i = 0; i <= queue; ++i) {
    const std::string name = "t/" + std::to_string(i % 1000);
    static_cast<void>(::close(::open((project.folder / name).c_str(), O_WRONLY | O_CREAT, 0600)));
  }
  project.write("late/a", "2");
  CHECK(project.hashed_by_settling() == 1001);
  project.check_as_scanned();
  project.write("late/b", "3");
  project.check_as_scanned();
}

TEST_CASE("a settling that is cancelled is done by the next one") {
  Live project;
  const std::atomic<bool> cancelled{true};
  ScanOptions options;
  options.cancelled = &cancelled;
  CHECK(project.live->settle(options).error().outcome == Outcome::cancelled);
  CHECK(project.live->tree() == nullptr);
  project.settled();
  project.write("a", "1");
  project.write("d/b", "2");
  CHECK(project.live->settle(options).error().outcome == Outcome::cancelled);
  CHECK(project.live->tree()->files() == 0);
  project.check_as_scanned();
  CHECK(project.live->tree()->files() == 2);
}

TEST_CASE("when no more folders can be watched it is said, and stays so") {
  Live project;
  project.live = LiveTree::open({project.root, project.index, project.clock, project.ops}, 2).value();
  project.write("a/x", "1");
  project.settled();
  project.write("b/x", "1");
  for (int i = 0; i < 2; ++i) {
    const auto settled = project.live->settle({});
    REQUIRE_FALSE(settled);
    CHECK(settled.error().outcome == Outcome::refused);
    CHECK(settled.error().text == "too many folders to watch (fs.inotify.max_user_watches)");
  }
}

TEST_CASE("a part of a tree is what a scan of it gives") {
  Live project;
  project.write("d/e/a", "1");
  project.write("d/b", "2");
  const Tree& tree = project.settled();
  for (const char* each : {"", "d", "d/e", "d/b", "d/e/a"}) {
    INFO(each);
    Index empty = Index::in_memory().value();
    const auto fresh = scan(project.root, empty, path(each), system_clock()).value().tree;
    const auto part = tree.part(path(each));
    REQUIRE(part != nullptr);
    CHECK(part->top() == fresh->top());
    CHECK(part->path() == path(each));
    CHECK(part->files() == fresh->files());
    CHECK(part->digest_of(path("d/e/a")) == fresh->digest_of(path("d/e/a")));
  }
  CHECK(tree.part(path("d/none")) == nullptr);
  CHECK(tree.part(path("none/x")) == nullptr);
}

// Random changes to a folder. Nothing outside it is ever touched: no place leads through a link, no link is written
// through, and the links that lead outside point at what cannot be made.
class Editor {
 public:
  Editor(fs::path top, std::uint32_t seed) : top_(std::move(top)), random_(seed) {}

  void edit() {
    const fs::path place = any();
    const fs::path other = any();
    std::error_code ignored;  // Whatever the file system refuses is no change.
    switch (below(8)) {
      case 0:
      case 1: {
        const auto kind = fs::symlink_status(place, ignored).type();
        if (kind != fs::file_type::not_found && kind != fs::file_type::regular) break;
        std::ofstream(place, below(2) == 0 ? std::ios::app : std::ios::trunc) << below(1000);
        break;
      }
      case 2:
        fs::create_directories(place, ignored);
        break;
      case 3:
        fs::remove_all(place, ignored);
        break;
      case 4:
      case 5:
        fs::rename(place, other, ignored);
        break;
      case 6:
        if (fs::is_symlink(fs::symlink_status(place, ignored))) break;
        fs::permissions(place, fs::perms(0700 | (below(8) << 3)), ignored);
        break;
      case 7:
        fs::create_symlink(below(2) == 0 ? "b" : "/proc/nowhere", place, ignored);
        break;
    }
  }

 private:
  std::uint32_t below(std::uint32_t limit) { return std::uint32_t(random_()) % limit; }
  // One of about a hundred places, so that they meet; a link on the way is the place itself.
  fs::path any() {
    fs::path place = top_;
    std::error_code ignored;
    for (std::uint32_t depth = 1 + below(4); depth > 0; --depth) {
      place /= std::string(1, char('a' + below(4)));
      if (fs::is_symlink(fs::symlink_status(place, ignored))) break;
    }
    return place;
  }

  fs::path top_;
  std::mt19937 random_;
};

TEST_CASE("whatever is done to a folder, its live tree is what a scan finds") {
  const auto seed = GENERATE(range(1u, 9u));
  INFO("seed " << seed);
  Live project;
  Editor editor(project.folder.path(), seed);
  for (int round = 0; round < 40; ++round) {
    INFO("round " << round);
    for (int edits = 0; edits < 1 + round % 12; ++edits) editor.edit();
    // Or what is appended to in every round would be being written.
    project.clock.ahead += LiveTree::kStableAfter;
    project.check_as_scanned();
    if (round % 5 == 0) REQUIRE(project.live->save());
  }
}

TEST_CASE("what is ignored is neither in the live tree nor watched, also when its rules change") {
  Live project;
  const fs::path top = project.folder.path();
  project.write("dev/a.blend", "1");
  project.write("dev/a.blend1", "old");
  project.write("dev/cache/deep/x", "1");
  project.check_as_scanned();
  CHECK(project.live->tree()->files() == 2);
  const auto edit = [&](const auto& change, std::uint64_t files) {
    change();
    project.check_as_scanned();
    CHECK(project.live->tree()->files() == files);
  };
  edit([&] { project.write("dev/a.blend2", "old"); }, 2);
  edit([&] { project.write("dev/.callboardignore", "cache/\n"); }, 2);
  CHECK(project.live->watch().directory_count() == 2);
  edit([&] { project.write("dev/cache/deep/y", "1"); }, 2);
  edit([&] { fs::rename(top / "dev/cache", top / "dev/store"); }, 4);
  edit([&] { fs::rename(top / "dev/store", top / "dev/cache"); }, 2);
  edit([&] { project.write("dev/.callboardignore", "# nothing\n"); }, 4);
  edit([&] { project.write("dev/cache/deep/z", "1"); }, 5);
  // Of the whole project.
  edit([&] { project.write(".callboardignore", "deep\n!*.blend1\n"); }, 4);
  edit([&] { fs::rename(top / "dev/.callboardignore", top / "dev/no rules"); }, 4);
  edit([&] { fs::remove(top / ".callboardignore"); }, 5);
}

TEST_CASE("an ignore file that is being written is obeyed once it is closed, or left alone") {
  Live project;
  project.write("dev/x.tmp", "1");
  project.write("dev/.callboardignore", "");
  project.settled();
  std::ofstream rules(project.folder / "dev/.callboardignore");
  rules << "*.tmp\n" << std::flush;
  CHECK(project.settled().digest_of(path("dev/x.tmp")));
  SECTION("closed") { rules.close(); }
  SECTION("left alone") { project.clock.ahead += kOpenStableAfter; }
  CHECK_FALSE(project.settled().digest_of(path("dev/x.tmp")));
}

TEST_CASE("an image without a byte is a frame still to be rendered, however long that takes") {
  Live project;
  project.write("0001.exr", "");
  project.write("marker.txt", "");
  project.settled();
  project.write("0002.PNG", "");
  project.clock.ahead += 1h;
  project.check_as_scanned();
  const auto tree = project.live->tree();
  CHECK(tree->files() == 1);
  CHECK(refusal(*tree, "/0001.exr") == "is an empty frame, still to be rendered");
  CHECK(refusal(*tree, "/0002.PNG") == "is an empty frame, still to be rendered");
  const auto scanned = scan(project.root, project.index, path("0001.exr"), project.clock);
  REQUIRE_FALSE(scanned);
  CHECK(scanned.error().text == "\"/0001.exr\": is an empty frame, still to be rendered");
  project.write("0001.exr", "pixels");
  project.check_as_scanned();
  CHECK(project.live->tree()->files() == 2);
}

TEST_CASE("a large file that is saved again is cut into chunks while it is hashed, a new one is not") {
  Live project;
  std::string content(kDeltaFileMin, 'x');
  project.write("scene.blend", content);
  project.settled();
  const auto digest = [&] {
    return project.live->tree()->digest_of(*RelativePath::from_bytes("scene.blend"));
  };
  CHECK_FALSE(kept_chunks(project.index, digest(), content.size()).has_value());
  content[5] = 'y';
  project.write("scene.blend", content);
  project.settled();
  const auto chunks = kept_chunks(project.index, digest(), content.size());
  REQUIRE(chunks.has_value());
  CHECK(chunks->front() == chunk_of(as_bytes(content).first(kChunkMax)));
}

TEST_CASE("a large file that is seen while it is saved again is cut into chunks, a new one is not") {
  const bool is_new = GENERATE(true, false);
  Live project;
  const std::string content(kDeltaFileMin, 'x');
  if (!is_new) project.write("scene.blend", content.substr(1));
  project.settled();
  std::ofstream file(project.folder / "scene.blend");
  file << content << std::flush;
  CHECK(refusal(project.settled(), "/scene.blend") == "is being written");
  file.close();
  const Digest digest = project.settled().digest_of(path("scene.blend"));
  CHECK(digest == digest_of(as_bytes(content)));
  CHECK(kept_chunks(project.index, digest, content.size()).has_value() == !is_new);
}

}  // namespace
}  // namespace callboard::sync::live_tree_test
