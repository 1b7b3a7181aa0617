// What a pull does with what is here already: content that need not travel, and what both sides changed.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client::transfer_local_test {
namespace {

namespace fs = std::filesystem;
using support::read_file;
using support::write_file;

RunOptions on_conflict(PullRequest::OnConflict what) {
  RunOptions options;
  options.request.on_conflict = what;
  return options;
}

// Pulled, then changed on both sides: "both"; here alone: "here"; there alone: "there".
void change_both(const TransferRig& rig) {
  for (const std::string name : {"both", "here", "there"}) write_file(rig.giver() / name, "first");
}

void change_both_after(const TransferRig& rig) {
  write_file(rig.giver() / "both", "theirs");
  write_file(rig.giver() / "there", "theirs, second");
  write_file(rig.taker() / "both", "mine");
  write_file(rig.taker() / "here", "mine, second");
}

}  // namespace

TEST_CASE("content that is here under another name is copied and not sent, each a file of its own") {
  TransferRig rig;
  make_frames(rig.giver() / "old", 3, 1 * MiB);
  write_file(rig.giver() / "small.txt", "few words");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::copy_file(rig.giver() / "old/1001.exr", rig.giver() / "new.exr");
  write_file(rig.giver() / "dir/other.txt", "few words");
  fs::permissions(rig.giver() / "dir/other.txt", fs::perms::owner_read);
  const Ends ends = rig.pull();
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(ends.pull.files == 2);
  CHECK(ends.pull.files_reused == 2);
  CHECK(ends.pull.bytes_reused == 1 * MiB + 9);
  CHECK(ends.give.files == 0);
  CHECK(ends.pull.wire_bytes < 4 * KiB);
  CHECK(fs::hard_link_count(rig.taker() / "new.exr") == 1);
  CHECK(fs::hard_link_count(rig.taker() / "old/1001.exr") == 1);
}

TEST_CASE("a directory that is here under another name is neither listed nor sent") {
  TransferRig rig;
  support::make_tree(rig.giver() / "old",
                     {.seed = 4, .files = 200, .files_per_directory = 10, .size_max_bytes = 3000});
  fs::create_directory(rig.giver() / "old/empty");
  fs::create_symlink("empty", rig.giver() / "old/link");
  write_file(rig.giver() / "old/nothing", "");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::rename(rig.giver() / "old", rig.giver() / "new");
  const Ends ends = rig.pull();
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  fs::remove_all(rig.taker() / "old");
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(ends.pull.files == 201);
  CHECK(ends.give.files == 0);
  CHECK(ends.pull.wire_bytes < 1 * KiB);
  CHECK(rig.pull().pull.files == 0);
}

TEST_CASE("content outside the items that are pulled is found, too, and verified when it is out of date") {
  TransferRig rig;
  make_frames(rig.giver() / "shots/one", 3, 300 * KiB);
  write_file(rig.giver() / "notes/n", "few words");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::copy(rig.giver() / "shots/one", rig.giver() / "shots/two", fs::copy_options::recursive);
  write_file(rig.giver() / "shots/two/n", "few words");
  write_file(rig.taker() / "shots/one/1001.exr", "painted over");
  RunOptions options;
  options.request.items = {"/shots/two"};
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.files == 4);
  CHECK(ends.pull.files_reused >= 1);
  CHECK(ends.give.files + ends.pull.files_reused == 4);
  fs::remove_all(rig.taker() / "shots/one");
  fs::remove_all(rig.giver() / "shots/one");
  CHECK(rig.differences() == std::vector<std::string>{});
}

TEST_CASE("what was to be copied and has changed meanwhile is sent") {
  TransferRig rig;
  for (const std::uint64_t size_bytes : {std::uint64_t{1000}, 1 * MiB}) {
    INFO(size_bytes);
    write_file(rig.giver() / "a", std::string(size_bytes, 'a'));
    REQUIRE(rig.pull().pull.outcome == Outcome::done);
    fs::copy_file(rig.giver() / "a", rig.giver() / "b");
    // The first file that is staged is a copy; before it is opened its source becomes something else.
    struct Meddler : sync::FileOps {
      fs::path path;
      bool meddled = false;
      int fault(sync::FileCall call, const std::string&) override {
        if (call == sync::FileCall::make_directory && !std::exchange(meddled, true)) write_file(path, "mine");
        return 0;
      }
    } ops;
    ops.path = rig.taker() / "a";
    RunOptions options;
    options.ops = &ops;
    const Ends ends = rig.pull(options);
    INFO(ends.pull.text);
    CHECK(ends.pull.outcome == Outcome::done);
    CHECK(ops.meddled);
    CHECK(read_file(rig.taker() / "b") == std::string(size_bytes, 'a'));
    CHECK(ends.pull.files_reused == 0);
    fs::remove(rig.giver() / "b");
    fs::remove(rig.taker() / "b");
    fs::remove(rig.taker() / "a");
  }
}

TEST_CASE("a copy that fails at any call leaves no half file, and the next pull does it") {
  for (const auto call :
       {sync::FileCall::create, sync::FileCall::clone, sync::FileCall::copy, sync::FileCall::reserve,
        sync::FileCall::read, sync::FileCall::write, sync::FileCall::set_mode, sync::FileCall::set_times}) {
    INFO("call " << static_cast<int>(call));
    TransferRig rig;
    write_file(rig.giver() / "small", "small");
    make_frames(rig.giver() / "old", 1, 1 * MiB);
    REQUIRE(rig.pull().pull.outcome == Outcome::done);
    fs::rename(rig.giver() / "old", rig.giver() / "new");
    fs::copy_file(rig.giver() / "small", rig.giver() / "twin");
    struct Failing : sync::FileOps {
      sync::FileCall call;
      int fault(sync::FileCall kind, const std::string&) override { return kind == call ? EIO : 0; }
    } ops;
    ops.call = call;
    RunOptions options;
    options.ops = &ops;
    const Ends ends = rig.pull(options);
    for (const std::string name : {"new/1000.exr", "twin"}) {
      const bool whole = fs::exists(rig.taker() / name);
      if (whole) CHECK(read_file(rig.taker() / name) == read_file(rig.giver() / name));
      CHECK((whole || ends.pull.outcome != Outcome::done));
    }
    REQUIRE(rig.pull().pull.outcome == Outcome::done);
    fs::remove_all(rig.taker() / "old");
    CHECK(rig.differences() == std::vector<std::string>{});
  }
}

TEST_CASE("what cannot be read here is sent instead, and nothing else suffers") {
  TransferRig rig;
  make_frames(rig.giver() / "old", 2, 1 * MiB);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::rename(rig.giver() / "old", rig.giver() / "new");
  struct BadDisk : sync::FileOps {
    int fault(sync::FileCall call, const std::string&) override {
      const bool reads = call == sync::FileCall::copy || call == sync::FileCall::read;
      if (call == sync::FileCall::clone) return EOPNOTSUPP;
      return reads ? EIO : 0;
    }
  } ops;
  RunOptions options;
  options.ops = &ops;
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.files_reused == 0);
  CHECK(ends.give.files == 2);
  CHECK(read_file(rig.taker() / "new/1001.exr") == read_file(rig.giver() / "new/1001.exr"));
}

TEST_CASE("a dry run counts apart what would not travel") {
  TransferRig rig;
  write_file(rig.giver() / "a", "12345");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  write_file(rig.giver() / "b", "12345");
  write_file(rig.giver() / "c", "123");
  RunOptions options;
  options.request.dry_run = true;
  const Ends dry = rig.pull(options);
  CHECK(dry.pull.files == 2);
  CHECK(dry.pull.bytes == 8);
  CHECK(dry.pull.files_reused == 1);
  CHECK(dry.pull.bytes_reused == 5);
  CHECK_FALSE(fs::exists(rig.taker() / "b"));
}

// --- Conflicts -------------------------------------------------------------------------------------------------------

TEST_CASE("of a file that both sides changed the local one becomes a version, and it is named") {
  TransferRig rig;
  change_both(rig);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  change_both_after(rig);
  const Ends ends = rig.pull();
  CHECK(ends.pull.outcome == Outcome::superseded);
  CHECK(ends.pull.text == "\"/both\": changed here and at the giver since the last pull");
  REQUIRE(ends.pull.conflicts.size() == 1);
  CHECK(ends.pull.conflicts[0].path == "both");
  CHECK_FALSE(ends.pull.conflicts[0].is_kept_here);
  CHECK(rig.differences() == std::vector<std::string>{});
  REQUIRE(ends.pull.versions.size() == 2);
  for (const auto& [path, kept_as] : ends.pull.versions) {
    CHECK(read_file(rig.taker() / kept_as) == (path == "both" ? "mine" : "mine, second"));
  }
  CHECK(rig.pull().pull.outcome == Outcome::done);
}

TEST_CASE("with keep the local file stays, and all the rest comes") {
  TransferRig rig;
  change_both(rig);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  change_both_after(rig);
  const Ends ends = rig.pull(on_conflict(PullRequest::OnConflict::keep));
  CHECK(ends.pull.outcome == Outcome::superseded);
  REQUIRE(ends.pull.conflicts.size() == 1);
  CHECK(ends.pull.conflicts[0].is_kept_here);
  CHECK(ends.pull.unchanged_files == 0);
  CHECK(read_file(rig.taker() / "both") == "mine");
  CHECK(read_file(rig.taker() / "there") == "theirs, second");
  CHECK(read_file(rig.taker() / "here") == "first");
  CHECK(rig.pull(on_conflict(PullRequest::OnConflict::keep)).pull.outcome == Outcome::superseded);
}

TEST_CASE(
    "with fail nothing at all is changed when there is a conflict, and everything comes when there is none") {
  TransferRig rig;
  change_both(rig);
  REQUIRE(rig.pull(on_conflict(PullRequest::OnConflict::fail)).pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
  change_both_after(rig);
  write_file(rig.giver() / "dir/new", "new");
  RunOptions dry = on_conflict(PullRequest::OnConflict::fail);
  dry.request.dry_run = true;
  const Ends planned = rig.pull(dry);
  CHECK(planned.pull.outcome == Outcome::superseded);
  CHECK(planned.pull.conflicts.size() == 1);
  CHECK(planned.pull.files == 0);
  CHECK(planned.pull.changes.empty());
  const Ends ends = rig.pull(on_conflict(PullRequest::OnConflict::fail));
  CHECK(ends.pull.outcome == Outcome::superseded);
  REQUIRE(ends.pull.conflicts.size() == 1);
  CHECK(ends.pull.files == 0);
  CHECK(read_file(rig.taker() / "both") == "mine");
  CHECK(read_file(rig.taker() / "here") == "mine, second");
  CHECK(read_file(rig.taker() / "there") == "first");
  CHECK_FALSE(fs::exists(rig.taker() / "dir"));
  CHECK(ends.pull.versions.empty());
}

TEST_CASE("with keep what cannot be looked at here stays, and counts as a conflict") {
  TransferRig rig;
  write_file(rig.giver() / "name", "theirs");
  REQUIRE(::mkfifo((rig.taker() / "name").c_str(), 0600) == 0);
  const Ends ends = rig.pull(on_conflict(PullRequest::OnConflict::keep));
  CHECK(ends.pull.outcome == Outcome::superseded);
  REQUIRE(ends.pull.conflicts.size() == 1);
  CHECK(ends.pull.conflicts[0].is_kept_here);
  CHECK(fs::is_fifo(rig.taker() / "name"));
  CHECK(rig.pull(on_conflict(PullRequest::OnConflict::fail)).pull.files == 0);
  CHECK(rig.pull().pull.files == 1);
}

TEST_CASE("a file that was changed here alone, or alike on both sides, is no conflict") {
  TransferRig rig;
  change_both(rig);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  write_file(rig.taker() / "here", "mine, second");
  write_file(rig.taker() / "both", "the same");
  write_file(rig.giver() / "both", "the same");
  const Ends ends = rig.pull();
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.conflicts.empty());
  CHECK(ends.pull.versions.size() == 1);
}

TEST_CASE("a folder in the way of a file is a conflict when something in it was changed") {
  for (const bool is_changed : {false, true}) {
    INFO(is_changed);
    TransferRig rig;
    write_file(rig.giver() / "name/inside", "first");
    REQUIRE(rig.pull().pull.outcome == Outcome::done);
    if (is_changed) write_file(rig.taker() / "name/inside", "mine");
    fs::remove_all(rig.giver() / "name");
    write_file(rig.giver() / "name", "a file");
    const Ends ends = rig.pull(on_conflict(PullRequest::OnConflict::keep));
    CHECK(ends.pull.conflicts.size() == (is_changed ? 1 : 0));
    CHECK(fs::is_directory(rig.taker() / "name") == is_changed);
  }
}

TEST_CASE("a file in the way of a folder that --include only looks through stays, and is no conflict") {
  TransferRig rig;
  write_file(rig.giver() / "sub/a", "theirs");
  write_file(rig.giver() / "wanted", "theirs");
  write_file(rig.taker() / "sub", "mine");
  RunOptions options;
  options.request.include = {"wanted"};
  options.request.on_conflict = PullRequest::OnConflict::fail;
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(ends.pull.conflicts.empty());
  CHECK(read_file(rig.taker() / "wanted") == "theirs");
  CHECK(read_file(rig.taker() / "sub") == "mine");
}

TEST_CASE("a file in the way of something that --include names makes room as it does without") {
  TransferRig rig;
  write_file(rig.giver() / "sub/deep/a.blend", "theirs");
  write_file(rig.giver() / "sub/other", "theirs");
  write_file(rig.taker() / "sub", "mine");
  RunOptions options;
  options.request.include = {"*.blend"};
  SECTION("it was made here: a conflict, and a version") {
    const Ends ends = rig.pull(options);
    CHECK(ends.pull.outcome == Outcome::superseded);
    CHECK(ends.pull.problems.empty());
    REQUIRE(ends.pull.conflicts.size() == 1);
    CHECK(ends.pull.conflicts.front().path == "sub");
    CHECK(ends.pull.conflicts.front().is_replaced);
    REQUIRE(ends.pull.versions.size() == 1);
    CHECK(read_file(rig.taker() / ends.pull.versions.front().second) == "mine");
    CHECK(read_file(rig.taker() / "sub/deep/a.blend") == "theirs");
  }
  SECTION("it stays when it is to be kept") {
    options.request.on_conflict = PullRequest::OnConflict::keep;
    const Ends ends = rig.pull(options);
    CHECK(ends.pull.problems.empty());
    REQUIRE(ends.pull.conflicts.size() == 1);
    CHECK(ends.pull.conflicts.front().is_kept_here);
    CHECK(read_file(rig.taker() / "sub") == "mine");
  }
  SECTION("nothing is changed when there is to be no conflict") {
    write_file(rig.giver() / "b.blend", "theirs");
    options.request.on_conflict = PullRequest::OnConflict::fail;
    const Ends ends = rig.pull(options);
    CHECK(ends.pull.outcome == Outcome::superseded);
    CHECK(read_file(rig.taker() / "sub") == "mine");
    CHECK_FALSE(fs::exists(rig.taker() / "b.blend"));
  }
  SECTION("it was pulled: it makes room and nothing is said") {
    const fs::path aside = rig.giver() / "aside";
    fs::rename(rig.giver() / "sub", aside);
    write_file(rig.giver() / "sub", "mine");
    RunOptions all;
    all.request.items = {"/sub"};
    REQUIRE(rig.pull(all).pull.outcome == Outcome::done);
    fs::remove(rig.giver() / "sub");
    fs::rename(aside, rig.giver() / "sub");
    const Ends ends = rig.pull(options);
    CHECK(ends.pull.outcome == Outcome::done);
    CHECK(ends.pull.versions.empty());
    CHECK(read_file(rig.taker() / "sub/deep/a.blend") == "theirs");
  }
  CHECK_FALSE(fs::exists(rig.taker() / "sub/other"));
}

TEST_CASE("folders on the way to what --include names are made as the giver has them, and no others") {
  TransferRig rig;
  write_file(rig.giver() / "way/there/a.blend", "a");
  write_file(rig.giver() / "way/there/more/a", "a");
  write_file(rig.giver() / "elsewhere/below/a", "a");
  fs::permissions(rig.giver() / "way", fs::perms(0710));
  fs::permissions(rig.giver() / "way/there", fs::perms(0500));
  RunOptions options;
  options.request.include = {"*.blend"};
  CHECK(rig.pull(options).pull.outcome == Outcome::done);
  CHECK(fs::status(rig.taker() / "way").permissions() == fs::perms(0710));
  CHECK(fs::status(rig.taker() / "way/there").permissions() == fs::perms(0500));
  CHECK_FALSE(fs::exists(rig.taker() / "way/there/more"));
  CHECK_FALSE(fs::exists(rig.taker() / "elsewhere"));
}

TEST_CASE(
    "a pull that brings no file and makes a folder has changed something, one that brings nothing has not") {
  TransferRig rig;
  fs::create_directories(rig.giver() / "empty");
  const Ends first = rig.pull();
  CHECK(first.pull.files == 0);
  CHECK(first.pull.has_changed);
  CHECK_FALSE(rig.pull().pull.has_changed);
}

TEST_CASE("a conflict that was not to be is told apart when something was changed before it came about") {
  TransferRig rig;
  write_file(rig.giver() / ".callboardignore", "late\n");
  write_file(rig.giver() / "late", "theirs");
  write_file(rig.taker() / "late", "mine");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  const bool comes_with_rules = GENERATE(false, true);
  if (comes_with_rules) {
    write_file(rig.giver() / ".callboardignore", "nothing\n");
  } else {
    write_file(rig.giver() / "first", "theirs");
    write_file(rig.taker() / "first", "mine");
  }
  const Ends ends = rig.pull(on_conflict(PullRequest::OnConflict::fail));
  CHECK(ends.pull.outcome == Outcome::superseded);
  REQUIRE(ends.pull.conflicts.size() == 1);
  CHECK(ends.pull.conflicts.front().is_after_changes == comes_with_rules);
  CHECK(ends.pull.has_changed == comes_with_rules);
  CHECK(ends.pull.files == (comes_with_rules ? 1 : 0));
  CHECK(read_file(rig.taker() / "late") == "mine");
}

TEST_CASE("an item that is here what nobody pulls makes room as it does in its folder, and the others come") {
  TransferRig rig;
  write_file(rig.giver() / "r/0001.png", "rendered");
  write_file(rig.giver() / "ok", "ok");
  write_file(rig.taker() / "r/0001.png", "");  // A frame that is still to be rendered.
  RunOptions options;
  options.request.items = {"/r/0001.png", "/ok"};
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  CHECK(ends.pull.problems.empty());
  CHECK(read_file(rig.taker() / "r/0001.png") == "rendered");
  CHECK(read_file(rig.taker() / "ok") == "ok");
}

TEST_CASE("what is copied into an ignored place here does not come by way of a folder that is here already") {
  TransferRig rig;
  write_file(rig.taker() / ".callboardignore", "/b/*.cache\n");
  for (const fs::path& folder : {rig.taker() / "a", rig.giver() / "a", rig.giver() / "b"}) {
    write_file(folder / "k.cache", std::string(64 * KiB, 'c'));
    write_file(folder / "k.dat", std::string(64 * KiB, 'd'));
  }
  CHECK(rig.pull().pull.outcome == Outcome::done);
  CHECK(fs::exists(rig.taker() / "b/k.dat"));
  CHECK_FALSE(fs::exists(rig.taker() / "b/k.cache"));
}

TEST_CASE("up to date are files that are here as they are there, not what stays different or was left out") {
  TransferRig rig;
  for (int i = 0; i < 2000; ++i) write_file(rig.giver() / "many" / std::to_string(i), std::to_string(i));
  write_file(rig.giver() / "both", "first");
  write_file(rig.giver() / "in/deep/same", "first");
  write_file(rig.giver() / "in/changed", "first");
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  write_file(rig.giver() / "both", "theirs");
  write_file(rig.taker() / "both", "mine");
  write_file(rig.giver() / "folder/one", "1");
  write_file(rig.giver() / "folder/two", "2");
  write_file(rig.taker() / "folder", "a file of mine");
  write_file(rig.giver() / "in/changed", "second");
  write_file(rig.giver() / "many/7", "changed");
  write_file(rig.taker() / "many/mine", "only here");
  write_file(rig.giver() / "out/left", "out");
  RunOptions options = on_conflict(PullRequest::OnConflict::keep);
  options.request.exclude = {"out"};
  const Ends ends = rig.pull(options);
  CHECK(ends.pull.conflicts.size() == 2);
  CHECK(ends.pull.files == 2);
  CHECK(ends.pull.unchanged_files == 1999 + 1);
}

// --- New directories --------------------------------------------------------------------------------------------------

TEST_CASE("a new directory that broke off is not there, and the next pull asks only for the rest of it") {
  TransferRig rig;
  make_frames(rig.giver() / "shots/new", 40, 64 * KiB);
  RunOptions cut;
  cut.cut_after_bytes = 30 * 64 * KiB;
  const Ends broken = rig.pull(cut);
  CHECK(broken.pull.outcome == Outcome::interrupted);
  CHECK(broken.pull.files == 0);
  CHECK_FALSE(fs::exists(rig.taker() / "shots"));
  fs::remove(rig.giver() / "shots/new/1003.exr");
  const Ends next = rig.pull();
  INFO(next.pull.text);
  CHECK(next.pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(next.pull.files == 39);
  CHECK(next.give.files < 20);
  CHECK(next.pull.files_reused == 0);
  CHECK(rig.temporary_files().empty());
}

TEST_CASE("what somebody makes here under the names of a new directory that broke off is a conflict") {
  TransferRig rig;
  make_frames(rig.giver() / "new", 40, 64 * KiB);
  RunOptions cut;
  cut.cut_after_bytes = 30 * 64 * KiB;
  REQUIRE(rig.pull(cut).pull.outcome == Outcome::interrupted);
  REQUIRE_FALSE(fs::exists(rig.taker() / "new"));
  for (int i = 0; i < 10; ++i) write_file(rig.taker() / "new" / (std::to_string(1000 + i) + ".exr"), "mine");
  const Ends ends = rig.pull(on_conflict(PullRequest::OnConflict::keep));
  CHECK(ends.pull.outcome == Outcome::superseded);
  CHECK(ends.pull.conflicts.size() == 10);
  CHECK(read_file(rig.taker() / "new/1000.exr") == "mine");
  CHECK(read_file(rig.taker() / "new/1020.exr") == read_file(rig.giver() / "new/1020.exr"));
}

TEST_CASE(
    "a new directory in which a file changes while it is read gets its name with the new content alone") {
  TransferRig rig;
  for (int i = 0; i < 20; ++i) write_file(rig.giver() / "new" / std::to_string(i), std::to_string(i));
  std::atomic<int> looks{0};
  bool was_half = false;
  RunOptions options;
  options.while_reading = [&](const sync::RelativePath& path) {
    was_half = was_half || fs::exists(rig.taker() / "new");
    if (path.bytes() == "new/5" && looks++ == 0) {
      write_file(rig.giver() / "new/5", "another");
      fs::remove(rig.giver() / "new/3");
    }
  };
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK_FALSE(was_half);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(ends.pull.files == 19);
  CHECK(rig.temporary_files().empty());
}

// --- Names ------------------------------------------------------------------------------------------------------------

TEST_CASE("names that the file system here would take for one are refused, and only there") {
  const std::string composed = "caf\xc3\xa9";
  const std::string decomposed = "cafe\xcc\x81";
  const auto pull = [&](std::optional<sync::NameFolding> folding) {
    TransferRig rig;
    for (const std::string& name :
         {std::string("d/A.exr"), std::string("d/a.exr"), std::string("d/b"), composed, decomposed})
      write_file(rig.giver() / name, name);
    write_file(rig.taker() / "d/B", "mine");
    RunOptions options;
    options.name_folding = folding;
    const Ends ends = rig.pull(options);
    CHECK(read_file(rig.taker() / "d/B") == "mine");
    return ends.pull;
  };
  const PullReport plain = pull(std::nullopt);
  CHECK(plain.outcome == Outcome::done);
  CHECK(plain.files == 5);
  const PullReport cased = pull(sync::NameFolding{.ignores_case = true});
  CHECK(cased.files == 3);
  REQUIRE(cased.problems.size() == 2);
  CHECK(cased.problems[0].error.outcome == Outcome::refused);
  CHECK(cased.problems[0].error.text == "\"/d/a.exr\": the file system here takes it for \"A.exr\"");
  CHECK(cased.problems[1].path == "d/b");
  const PullReport formed = pull(sync::NameFolding{.ignores_form = true});
  REQUIRE(formed.problems.size() == 1);
  CHECK((formed.problems[0].path == composed || formed.problems[0].path == decomposed));
}

}  // namespace callboard::client::transfer_local_test
