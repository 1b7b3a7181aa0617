// What a pull does with what is here already: content that need not travel, what is removed, what both sides changed.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client {
namespace {

namespace fs = std::filesystem;
using support::read_file;
using support::write_file;

nlink_t names_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_nlink;
}

void make_frames(const fs::path& folder, int count, std::uint64_t size_bytes) {
  for (int i = 0; i < count; ++i) {
    support::make_large_file({.path = folder / (std::to_string(1000 + i) + ".exr"),
                              .size_bytes = size_bytes,
                              .seed = static_cast<unsigned>(i)});
  }
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
  CHECK(ends.pull.reused_files == 2);
  CHECK(ends.pull.reused_bytes == 1 * MiB + 9);
  CHECK(ends.give.files == 0);
  CHECK(ends.pull.wire_bytes < 4 * KiB);
  CHECK(names_of(rig.taker() / "new.exr") == 1);
  CHECK(names_of(rig.taker() / "old/1001.exr") == 1);
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
    CHECK(ends.pull.reused_files == 0);
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
  CHECK(dry.pull.reused_files == 1);
  CHECK(dry.pull.reused_bytes == 5);
  CHECK_FALSE(fs::exists(rig.taker() / "b"));
}

}  // namespace callboard::client
