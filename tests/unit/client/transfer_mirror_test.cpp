// What --mirror renames, removes and leaves alone.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "protocol/bulk.h"
#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client::transfer_mirror_test {
namespace {

namespace fs = std::filesystem;
using support::read_file;
using support::write_file;

ino_t inode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_ino;
}

}  // namespace

TEST_CASE("under --mirror a renamed directory is renamed here, and nothing of it travels") {
  TransferRig rig;
  make_frames(rig.giver() / "shots/old", 20, 256 * KiB);
  write_file(rig.giver() / "other", "stays");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  const ino_t folder = inode_of(rig.taker() / "shots/old");
  fs::create_directory(rig.giver() / "new");
  fs::rename(rig.giver() / "shots/old", rig.giver() / "new/name");
  const Ends ends = rig.pull(mirroring());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(inode_of(rig.taker() / "new/name") == folder);
  CHECK(ends.pull.files_reused == 20);
  CHECK(ends.pull.bytes_reused == 20 * 256 * KiB);
  CHECK(ends.give.files == 0);
  CHECK(ends.pull.wire_bytes < 2 * KiB);
  CHECK(ends.pull.removed.empty());
  CHECK(ends.pull.unchanged_files == 1);
  CHECK(rig.pull(mirroring()).pull.files == 0);
}

TEST_CASE(
    "under --mirror a giver cannot have a directory renamed to where its links would leave the folder") {
  TransferRig rig;
  write_file(rig.giver() / "one/two/d/file", "content");
  fs::create_symlink("../../../top", rig.giver() / "one/two/d/link");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  const auto there = rig.look("/one/two");
  REQUIRE(there);
  REQUIRE(there->size() == 1);
  // A giver whose tree has the same directory at its top, which no honest one can have: it would refuse the link.
  protocol::OpenedItem root;
  root.entry.kind = EntryKind::directory;
  root.entry.digest.bytes[0] = std::byte{1};
  root.files_below = 1;
  protocol::Opened opened;
  opened.items.push_back(root);
  protocol::Listing listing;
  listing.number = 1;
  listing.entries.push_back(there->front().entry);
  Bytes script;
  for (int round = 0; round < 3; ++round) {
    protocol::encode(protocol::GiverFrame(opened), script);
    protocol::encode(protocol::GiverFrame(listing), script);
  }
  const PullReport report = rig.pull_from_script(script, mirroring(true).request);
  INFO(report.text);
  CHECK(report.outcome != Outcome::done);
  CHECK_FALSE(fs::is_symlink(rig.taker() / "d/link"));
  CHECK(fs::is_symlink(rig.taker() / "one/two/d/link"));
}

TEST_CASE(
    "under --mirror a renamed directory with something ignored or refused in it leaves that where it was") {
  TransferRig rig;
  make_frames(rig.giver() / "old/below", 3, 64 * KiB);
  write_file(rig.giver() / ".callboardignore", "*.bak\n");
  for (int i = 0; i < 9; ++i) write_file(rig.giver() / ("k" + std::to_string(i)), "k");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  write_file(rig.taker() / "old/below/mine.bak", "mine");
  REQUIRE(::mkfifo((rig.taker() / "old/pipe").c_str(), 0600) == 0);
  fs::rename(rig.giver() / "old", rig.giver() / "new");
  const Ends ends = rig.pull(mirroring());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.give.files == 0);
  CHECK(ends.pull.files_reused == 3);
  CHECK(read_file(rig.taker() / "old/below/mine.bak") == "mine");
  CHECK(fs::exists(rig.taker() / "old/pipe"));
  CHECK_FALSE(fs::exists(rig.taker() / "old/below/1000.exr"));
  CHECK(read_file(rig.taker() / "new/below/1000.exr") == read_file(rig.giver() / "new/below/1000.exr"));
  CHECK(rig.pull(mirroring()).pull.files == 0);
}

TEST_CASE("under --mirror a directory that changes before it is renamed is looked at again and comes whole") {
  TransferRig rig;
  make_frames(rig.giver() / "old", 3, 64 * KiB);
  write_file(rig.giver() / "zz", "first");
  for (int i = 0; i < 9; ++i) write_file(rig.giver() / ("k" + std::to_string(i)), "k");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::rename(rig.giver() / "old", rig.giver() / "new");
  write_file(rig.giver() / "zz", "second");
  // Comes when all is decided and "zz" is put in its place, before anything is renamed to "new".
  struct Meddler : sync::FileOps {
    fs::path path;
    bool meddled = false;
    int fault(sync::FileCall call, const std::string& name) override {
      if (call == sync::FileCall::rename && name == "zz" && !std::exchange(meddled, true))
        write_file(path, "mine");
      return 0;
    }
  } ops;
  ops.path = rig.taker() / "old/1001.exr";
  RunOptions options = mirroring();
  options.ops = &ops;
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  CHECK(ops.meddled);
  CHECK(ends.pull.problems.empty());
  CHECK(rig.differences() == std::vector<std::string>{});
}

TEST_CASE("under --mirror a renamed file is renamed, a second copy of it copied, and the old name gone") {
  TransferRig rig;
  make_frames(rig.giver(), 3, 64 * KiB);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  const ino_t frame = inode_of(rig.taker() / "1000.exr");
  fs::copy_file(rig.giver() / "1000.exr", rig.giver() / "twin.exr");
  fs::rename(rig.giver() / "1000.exr", rig.giver() / "renamed.exr");
  const Ends ends = rig.pull(mirroring());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK((inode_of(rig.taker() / "renamed.exr") == frame) != (inode_of(rig.taker() / "twin.exr") == frame));
  CHECK(fs::hard_link_count(rig.taker() / "renamed.exr") == 1);
  CHECK(ends.give.files == 0);
}

TEST_CASE("--mirror moves what is not there to the versions, and without it everything stays") {
  TransferRig rig;
  for (const std::string name : {"a", "b", "c", "d"}) write_file(rig.giver() / name, name);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  write_file(rig.taker() / "mine", "only here");
  write_file(rig.taker() / "folder/mine", "here, too");
  CHECK(rig.pull().pull.removed.empty());
  RunOptions dry = mirroring();
  dry.request.dry_run = true;
  const Ends planned = rig.pull(dry);
  CHECK(std::count_if(planned.pull.changes.begin(), planned.pull.changes.end(),
                      [](const PullChange& change) { return change.kind == ChangeKind::removed; }) == 2);
  CHECK(fs::exists(rig.taker() / "mine"));
  const Ends ends = rig.pull(mirroring());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
  REQUIRE(ends.pull.removed.size() == 2);
  for (const auto& [path, kept_as] : ends.pull.removed) {
    const fs::path kept = rig.taker() / kept_as;
    CHECK(read_file(path == "mine" ? kept : kept / "mine") == (path == "mine" ? "only here" : "here, too"));
    CHECK_FALSE(fs::exists(rig.taker() / path));
  }
}

TEST_CASE("--mirror of a renamed folder that is nearly all there is needs nobody's word") {
  TransferRig rig;
  make_frames(rig.giver() / "m/a", 10, 5 * KiB);
  write_file(rig.giver() / "m/b/one", "one");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::rename(rig.giver() / "m/a", rig.giver() / "m/c");
  fs::rename(rig.giver() / "m/b/one", rig.giver() / "m/one");
  RunOptions dry = mirroring();
  dry.request.dry_run = true;
  const Ends planned = rig.pull(dry);
  INFO(planned.pull.text);
  CHECK(planned.pull.outcome == Outcome::done);
  CHECK(planned.pull.removals_refused == 0);
  CHECK(planned.pull.files == 11);
  CHECK(planned.pull.files_reused == 11);
  CHECK(planned.pull.bytes_reused == 50 * KiB + 3);
  std::vector<std::string> changes;
  for (const PullChange& change : planned.pull.changes)
    changes.push_back((change.kind == ChangeKind::renamed ? "rename " : "remove ") + change.path + " " +
                      change.from);
  CHECK(changes == std::vector<std::string>{"rename m/one m/b/one", "rename m/c m/a"});
  const Ends ends = rig.pull(mirroring());
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.files == 11);
  CHECK(ends.pull.files_reused == 11);
  CHECK(rig.differences() == std::vector<std::string>{});
}

namespace {

using OnConflict = PullRequest::OnConflict;

// Pulled, and then gone there: files edited here and others as they were, by themselves and in folders.
void edit_what_goes(TransferRig& rig) {
  for (const char* name : {"edited", "same", "d/edited", "d/same", "d/sub/same", "e/same"})
    write_file(rig.giver() / name, name);
  for (int i = 0; i < 10; ++i) write_file(rig.giver() / ("stays" + std::to_string(i)), "s");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  for (const char* name : {"edited", "same", "d", "e"}) fs::remove_all(rig.giver() / name);
  write_file(rig.giver() / "new", "new");
  for (const char* name : {"edited", "d/edited"}) write_file(rig.taker() / name, "mine");
  write_file(rig.taker() / "never pulled", "mine");
}

RunOptions mirroring_with(OnConflict what) {
  RunOptions options = mirroring(true);
  options.request.on_conflict = what;
  return options;
}

std::vector<std::string> conflicts_of(const PullReport& report) {
  std::vector<std::string> paths;
  for (const PullConflict& each : report.conflicts) {
    CHECK(each.is_gone_there);
    paths.push_back(each.path);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

TEST_CASE("what was edited here and is gone there is a conflict under --mirror, and goes to the versions") {
  TransferRig rig;
  edit_what_goes(rig);
  RunOptions options = mirroring_with(OnConflict::version);
  options.request.dry_run = true;
  const Ends planned = rig.pull(options);
  CHECK(planned.pull.outcome == Outcome::superseded);
  CHECK(conflicts_of(planned.pull) == std::vector<std::string>{"d/edited", "edited"});
  options.request.dry_run = false;
  const Ends ends = rig.pull(options);
  CHECK(ends.pull.outcome == Outcome::superseded);
  CHECK(ends.pull.text ==
        "\"/d/edited\": is gone at the giver, and here it is not what was pulled (and 1 more)");
  CHECK(conflicts_of(ends.pull) == std::vector<std::string>{"d/edited", "edited"});
  for (const PullConflict& each : ends.pull.conflicts) {
    CHECK(each.is_replaced);
    CHECK_FALSE(each.is_kept_here);
  }
  CHECK(ends.pull.removed.size() == 5);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(rig.pull(options).pull.outcome == Outcome::done);
}

TEST_CASE("under --mirror keep leaves what was edited or made here, and all the rest goes") {
  TransferRig rig;
  edit_what_goes(rig);
  write_file(rig.giver() / "moved", "d/same");
  const Ends ends = rig.pull(mirroring_with(OnConflict::keep));
  CHECK(ends.pull.outcome == Outcome::superseded);
  CHECK(conflicts_of(ends.pull) == std::vector<std::string>{"d/edited", "edited", "never pulled"});
  for (const PullConflict& each : ends.pull.conflicts) CHECK(each.is_kept_here);
  for (const char* name : {"edited", "d/edited", "never pulled"})
    CHECK(read_file(rig.taker() / name) == "mine");
  for (const char* name : {"same", "d/same", "d/sub", "e"}) CHECK_FALSE(fs::exists(rig.taker() / name));
  CHECK(read_file(rig.taker() / "moved") == "d/same");
  CHECK(read_file(rig.taker() / "new") == "new");
  CHECK(ends.pull.files_reused == 1);
}

TEST_CASE("under --mirror fail changes nothing when what would go was edited or made here") {
  TransferRig rig;
  edit_what_goes(rig);
  const Ends ends = rig.pull(mirroring_with(OnConflict::fail));
  CHECK(ends.pull.outcome == Outcome::superseded);
  CHECK(conflicts_of(ends.pull) == std::vector<std::string>{"d/edited", "edited", "never pulled"});
  CHECK_FALSE(ends.pull.has_changed);
  CHECK(ends.pull.removed.empty());
  CHECK(ends.give.files == 0);
  CHECK(fs::exists(rig.taker() / "same"));
  CHECK_FALSE(fs::exists(rig.taker() / "new"));
}

TEST_CASE(
    "under --mirror a folder that was edited and is renamed there is a conflict, and its edits are kept") {
  TransferRig rig;
  make_frames(rig.giver() / "old", 20, 4 * KiB);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::rename(rig.giver() / "old", rig.giver() / "new");
  write_file(rig.taker() / "old/1003.exr", "mine");
  SECTION("as a version") {
    const Ends ends = rig.pull(mirroring());
    CHECK(ends.pull.outcome == Outcome::superseded);
    CHECK(conflicts_of(ends.pull) == std::vector<std::string>{"old/1003.exr"});
    CHECK(rig.differences() == std::vector<std::string>{});
    CHECK(ends.pull.files_reused == 19);
    REQUIRE(ends.pull.removed.size() == 1);
    CHECK(read_file(rig.taker() / ends.pull.removed.front().second / "1003.exr") == "mine");
  }
  SECTION("where it is") {
    const Ends ends = rig.pull(mirroring_with(OnConflict::keep));
    CHECK(ends.pull.outcome == Outcome::superseded);
    CHECK(read_file(rig.taker() / "old/1003.exr") == "mine");
    CHECK_FALSE(fs::exists(rig.taker() / "old/1004.exr"));
    CHECK(ends.pull.files_reused == 19);
  }
}

TEST_CASE("--mirror never removes what patterns leave out, what is refused, or a folder with that in it") {
  TransferRig rig;
  for (int i = 0; i < 9; ++i) write_file(rig.giver() / ("k" + std::to_string(i)), "k");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  write_file(rig.taker() / "d/a.tmp", "excluded");
  write_file(rig.taker() / "d/a.exr", "goes");
  write_file(rig.taker() / "e/b.exr", "goes");
  REQUIRE(::mkfifo((rig.taker() / "e/pipe").c_str(), 0600) == 0);
  REQUIRE(::mkfifo((rig.taker() / "pipe").c_str(), 0600) == 0);
  RunOptions options = mirroring();
  options.request.exclude = {"*.tmp"};
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(read_file(rig.taker() / "d/a.tmp") == "excluded");
  CHECK_FALSE(fs::exists(rig.taker() / "d/a.exr"));
  CHECK_FALSE(fs::exists(rig.taker() / "e/b.exr"));
  CHECK(fs::exists(rig.taker() / "e/pipe"));
  CHECK(fs::exists(rig.taker() / "pipe"));
}

TEST_CASE(
    "--mirror leaves alone what the giver leaves out as the same, beside a folder with something refused") {
  TransferRig rig;
  for (int i = 0; i < 200; ++i) write_file(rig.giver() / ("f" + std::to_string(1000 + i)), std::to_string(i));
  write_file(rig.giver() / "sub/deep/a", "a");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  REQUIRE(::mkfifo((rig.taker() / "sub/deep/pipe").c_str(), 0600) == 0);
  write_file(rig.giver() / "f1000", "another");
  const Ends ends = rig.pull(mirroring());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.files == 1);
  CHECK(ends.pull.removed.empty());
  CHECK(read_file(rig.taker() / "f1000") == "another");
  CHECK(fs::exists(rig.taker() / "f1199"));
}

TEST_CASE("--mirror leaves alone what rules that arrive in the same pull ignore") {
  TransferRig rig;
  for (int i = 0; i < 9; ++i) write_file(rig.giver() / ("k" + std::to_string(i)), "k");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  write_file(rig.taker() / "mine.bak", "mine");
  write_file(rig.taker() / "d/mine.bak", "mine");
  write_file(rig.taker() / "d/goes", "goes");
  write_file(rig.giver() / ".callboardignore", "*.bak\n");
  const Ends ends = rig.pull(mirroring());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(read_file(rig.taker() / "mine.bak") == "mine");
  CHECK(read_file(rig.taker() / "d/mine.bak") == "mine");
  CHECK_FALSE(fs::exists(rig.taker() / "d/goes"));
  CHECK(ends.pull.removed.size() == 1);
}

TEST_CASE(
    "the key of a project in a part of the giver's stays there, and --mirror leaves that of one here alone") {
  TransferRig rig;
  for (int i = 0; i < 9; ++i) write_file(rig.giver() / ("k" + std::to_string(i)), "k");
  write_file(rig.giver() / "dev/chr/.callboard/key", "theirs");
  write_file(rig.giver() / "dev/chr/a", "a");
  write_file(rig.taker() / "dev/prp/.callboard/key", "ours");
  const Ends ends = rig.pull(mirroring());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(fs::exists(rig.taker() / "dev/chr/a"));
  CHECK_FALSE(fs::exists(rig.taker() / "dev/chr/.callboard"));
  CHECK(read_file(rig.taker() / "dev/prp/.callboard/key") == "ours");
  CHECK(rig.look("/dev/chr")->size() == 1);
}

TEST_CASE("--mirror renames what the rules of the same pull ignore no more than it removes it") {
  TransferRig rig;
  for (const fs::path& side : {rig.giver(), rig.taker()}) {
    for (int i = 0; i < 9; ++i) write_file(side / ("k" + std::to_string(i)), "k");
    make_frames(side / "cache", 2, 64 * KiB);
    write_file(side / "k.tmp", std::string(64 * KiB, 't'));
  }
  fs::copy(rig.giver() / "cache", rig.giver() / "final");
  fs::copy(rig.giver() / "k.tmp", rig.giver() / "k.dat");
  write_file(rig.giver() / ".callboardignore", "cache/\n*.tmp\n");
  const Ends ends = rig.pull(mirroring());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.removed.empty());
  for (const char* name :
       {"cache/1000.exr", "cache/1001.exr", "k.tmp", "final/1000.exr", "final/1001.exr", "k.dat"})
    CHECK(fs::exists(rig.taker() / name));
}

TEST_CASE("rules that come with a pull are in force when it ends, wherever they lie") {
  const std::string folder = GENERATE("", "A/", "A/B/");
  const bool is_mirror = GENERATE(false, true);
  INFO(folder << is_mirror);
  TransferRig rig;
  for (const fs::path& side : {rig.giver(), rig.taker()}) {
    for (int i = 0; i < 9; ++i) write_file(side / ("k" + std::to_string(i)), "k");
  }
  write_file(rig.giver() / (folder + ".callboardignore"), "!quit.blend\n");
  write_file(rig.giver() / (folder + "quit.blend"), "wanted");
  write_file(rig.taker() / "gone", "only here");
  const Ends ends = rig.pull(is_mirror ? mirroring() : RunOptions());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(read_file(rig.taker() / (folder + "quit.blend")) == "wanted");
  CHECK(fs::exists(rig.taker() / "gone") != is_mirror);
  CHECK(rig.pull(is_mirror ? mirroring() : RunOptions()).pull.files == 0);
}

TEST_CASE("rules that come as a copy of what is here are in force when the pull ends, too") {
  TransferRig rig;
  for (int i = 0; i < 9; ++i) write_file(rig.giver() / ("k" + std::to_string(i)), "k");
  write_file(rig.giver() / "B/.callboardignore", "!quit.blend\n");
  write_file(rig.giver() / "B/quit.blend", "wanted");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::copy(rig.giver() / "B", rig.giver() / "A");
  write_file(rig.giver() / "C/.callboardignore", "!quit.blend\n");
  write_file(rig.giver() / "C/other", "other");
  write_file(rig.taker() / "gone", "only here");
  const Ends ends = rig.pull(mirroring());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(fs::exists(rig.taker() / "A/quit.blend"));
  CHECK(fs::exists(rig.taker() / "C/.callboardignore"));
  CHECK_FALSE(fs::exists(rig.taker() / "gone"));
}

TEST_CASE("rules that come with a folder copied here are in force under --mirror, too") {
  TransferRig rig;
  write_file(rig.giver() / "a/.callboardignore", "!*.blend1\n");
  write_file(rig.giver() / "a/x.blend1", "wanted");
  write_file(rig.giver() / "a/y", "y");
  REQUIRE(rig.pull(mirroring(true)).pull.outcome == Outcome::done);
  REQUIRE(fs::exists(rig.taker() / "a/x.blend1"));
  fs::copy(rig.giver() / "a", rig.giver() / "b");
  write_file(rig.giver() / "z", "z");
  const Ends ends = rig.pull(mirroring(true));
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(fs::exists(rig.taker() / "b/x.blend1"));
}

TEST_CASE(
    "what rules that go with --mirror ignored is looked at by the next pull, and the brake counts once") {
  TransferRig rig;
  make_frames(rig.giver() / "old", 20, 64 * KiB);
  write_file(rig.giver() / "k", "k");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  write_file(rig.taker() / ".callboardignore", "*.cache\n");
  write_file(rig.taker() / "a.cache", "mine");
  fs::rename(rig.giver() / "old", rig.giver() / "new");
  const Ends ends = rig.pull(mirroring());
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.removals_refused == 0);
  CHECK(ends.pull.removed.size() == 1);
  CHECK(fs::exists(rig.taker() / "a.cache"));
  CHECK(rig.pull(mirroring()).pull.removed.size() == 1);
  CHECK(rig.differences() == std::vector<std::string>{});
}

TEST_CASE("--mirror renames nothing into a new directory that waits for another round") {
  TransferRig rig;
  make_frames(rig.giver() / "old", 3, 64 * KiB);
  for (int i = 0; i < 9; ++i) write_file(rig.giver() / ("k" + std::to_string(i)), "k");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::create_directory(rig.giver() / "new");
  fs::rename(rig.giver() / "old", rig.giver() / "new/old");
  write_file(rig.giver() / "new/changes", "first");
  std::atomic<int> looks{0};
  bool was_half = false;
  RunOptions options = mirroring();
  options.while_reading = [&](const sync::RelativePath& path) {
    was_half = was_half || fs::exists(rig.taker() / "new");
    if (path.bytes() == "new/changes" && looks++ == 0) write_file(rig.giver() / "new/changes", "another");
  };
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  CHECK(looks > 1);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK_FALSE(was_half);
  CHECK(rig.differences() == std::vector<std::string>{});
}

TEST_CASE("an item that is gone at the giver stays under --mirror, and it is said what removes it") {
  TransferRig rig;
  write_file(rig.giver() / "dev/other", "other");
  write_file(rig.taker() / "dev/gone/a", "a");
  RunOptions options = mirroring(true);
  options.request.items = {"/dev/gone"};
  const Ends ends = rig.pull(options);
  CHECK(ends.pull.outcome == Outcome::not_found);
  CHECK(ends.pull.text ==
        "\"/dev/gone\": the giver has no such file or folder; to have it removed here, mirror the folder "
        "above it");
  CHECK(fs::exists(rig.taker() / "dev/gone/a"));
}

TEST_CASE("--mirror removes nothing when something else went wrong") {
  TransferRig rig;
  for (const std::string name : {"a", "b", "c"}) write_file(rig.giver() / name, name);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  write_file(rig.taker() / "mine", "mine");
  fs::create_symlink("/etc/passwd", rig.giver() / "out");
  const Ends ends = rig.pull(mirroring());
  CHECK(ends.pull.outcome != Outcome::done);
  CHECK(ends.pull.removed.empty());
  CHECK(ends.pull.removals_left == 1);
  CHECK(fs::exists(rig.taker() / "mine"));
  RunOptions dry = mirroring();
  dry.request.dry_run = true;
  const Ends planned = rig.pull(dry);
  CHECK(planned.pull.removals_left == 1);
  CHECK(planned.pull.changes.empty());
}

TEST_CASE("what --mirror removes after a round in which something went wrong is not said to be left") {
  TransferRig rig;
  write_file(rig.giver() / "a", "a");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  write_file(rig.taker() / "mine", "mine");
  write_file(rig.giver() / "changes", std::string(100, 'a'));
  fs::create_symlink("/etc/passwd", rig.giver() / "out");
  RunOptions options = mirroring(true);
  bool done = false;
  options.while_reading = [&](const sync::RelativePath&) {
    if (std::exchange(done, true)) return;
    write_file(rig.giver() / "changes", std::string(200, 'b'));
    fs::remove(rig.giver() / "out");
  };
  const Ends ends = rig.pull(options);
  REQUIRE(done);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.removed.size() == 1);
  CHECK(ends.pull.removals_left == 0);
}

}  // namespace callboard::client::transfer_mirror_test
