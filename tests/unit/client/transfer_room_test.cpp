// A pull and the room on the disk: what cannot fit, and what does not fit for a while.
#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>

#include "base/limits.h"
#include "tests/support/tree.h"
#include "tests/unit/client/transfer_rig.h"

namespace callboard::client::transfer_room_test {
namespace {

namespace fs = std::filesystem;
using support::write_file;

}  // namespace

struct SmallDisk : sync::FileOps {
  sync::Room left;
  sync::Room room(int) override { return left; }
};

TEST_CASE("what cannot fit is refused before the first byte, in bytes and in inodes") {
  TransferRig rig;
  support::make_large_file({.path = rig.giver() / "large", .size_bytes = 8 * MiB, .seed = 1});
  for (int i = 0; i < 100; ++i) write_file(rig.giver() / ("f" + std::to_string(i)), std::to_string(i));
  for (const sync::Room left : {sync::Room{4 * MiB, 1000}, sync::Room{1'000 * MiB, 50}}) {
    SmallDisk disk;
    disk.left = left;
    RunOptions options;
    options.ops = &disk;
    const Ends ends = rig.pull(options);
    INFO(ends.pull.text);
    CHECK(ends.pull.outcome == Outcome::refused);
    CHECK(ends.pull.cause == PullCause::disk);
    CHECK(ends.pull.text.find("too ") != std::string::npos);
    CHECK(ends.give.files == 0);
    CHECK_FALSE(fs::exists(rig.taker() / "large"));
    CHECK_FALSE(fs::exists(rig.taker() / "f1"));
  }
  SmallDisk enough;
  enough.left = {10 * MiB, 200};
  RunOptions options;
  options.ops = &enough;
  CHECK(rig.pull(options).pull.outcome == Outcome::done);
}

TEST_CASE("files that patterns choose are added up while they are listed") {
  TransferRig rig;
  support::make_large_file({.path = rig.giver() / "a.exr", .size_bytes = 4 * MiB, .seed = 1});
  support::make_large_file({.path = rig.giver() / "b.mov", .size_bytes = 8 * MiB, .seed = 2});
  SmallDisk disk;
  disk.left = {6 * MiB, 1000};
  RunOptions options;
  options.ops = &disk;
  options.request.include = {"*.exr"};
  CHECK(rig.pull(options).pull.outcome == Outcome::done);
  options.request.include = {"*.mov"};
  CHECK(rig.pull(options).pull.outcome == Outcome::refused);
}

TEST_CASE(
    "what all of it needs is named before the first byte, also where it may be here, and by a dry run") {
  TransferRig rig;
  make_frames(rig.giver(), 10, 1 * MiB);
  support::make_large_file({.path = rig.taker() / "other", .size_bytes = 8 * MiB, .seed = 1});
  SmallDisk disk;
  disk.left = {5 * MiB, 1000};
  RunOptions options;
  options.ops = &disk;
  options.request.dry_run = GENERATE(false, true);
  const Ends ends = rig.pull(options);
  CHECK(ends.pull.outcome == Outcome::refused);
  CHECK(ends.pull.cause == PullCause::disk);
  CHECK(ends.pull.text == "the disk has too little room: expected at least 11.1 MiB free, got 5.00 MiB");
  CHECK(ends.give.files == 0);
}

TEST_CASE("what is announced and is here already needs no room") {
  TransferRig rig;
  make_frames(rig.giver() / "a", 10, 1 * MiB);
  REQUIRE(rig.pull().pull.outcome == Outcome::done);
  fs::rename(rig.giver() / "a", rig.giver() / "b");
  SmallDisk disk;
  disk.left = {5 * MiB, 1000};
  RunOptions options;
  options.ops = &disk;
  options.request.mirror = true;
  CHECK(rig.pull(options).pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
}

TEST_CASE("of a large file that broke off only the rest needs room") {
  TransferRig rig;
  support::make_large_file({.path = rig.giver() / "large", .size_bytes = 16 * MiB, .seed = 1});
  RunOptions cut;
  cut.cut_after_bytes = 12 * MiB;
  CHECK(rig.pull(cut).pull.outcome == Outcome::interrupted);
  SmallDisk disk;
  disk.left = {8 * MiB, 1000};
  RunOptions options;
  options.ops = &disk;
  options.request.dry_run = true;
  CHECK(rig.pull(options).pull.outcome == Outcome::done);
  options.request.dry_run = false;
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
}

// Full after so many writes, and with room again after it was tried so often.
struct FullForAWhile : sync::FileOps {
  std::atomic<int> writes_left{0};
  std::atomic<int> tries_left{0};
  int error = ENOSPC;
  int fault(sync::FileCall call, const std::string&) override {
    if (call != sync::FileCall::write || writes_left-- > 0) return 0;
    return tries_left-- > 0 ? error : 0;
  }
};

TEST_CASE(
    "a disk that gets full in the middle pauses the pull, which says so and goes on when there is room") {
  TransferRig rig;
  support::make_tree(rig.giver(),
                     {.seed = 9, .files = 50, .files_per_directory = 10, .size_max_bytes = 3000});
  support::make_large_file({.path = rig.giver() / "large", .size_bytes = 5 * MiB, .seed = 1});
  FullForAWhile disk;
  disk.writes_left = 20;
  disk.tries_left = 1'000'000'000;
  disk.error = GENERATE(ENOSPC, EDQUOT);
  RunOptions options;
  options.ops = &disk;
  options.request.wait_for_space = 1h;
  std::string paused;
  options.while_running = [&](Taker& taker) {
    while (paused.empty()) {
      paused = taker.progress().paused;
      std::this_thread::yield();
    }
    disk.tries_left = 0;
  };
  const Ends ends = rig.pull(options);
  INFO(ends.pull.text);
  CHECK(ends.pull.outcome == Outcome::done);
  CHECK(paused == "disk full, waiting for room");
  CHECK(rig.differences() == std::vector<std::string>{});
}

// An hour goes by with every look.
struct HastyClock : Clock {
  mutable std::atomic<std::int64_t> hours{0};
  Timestamp wall() const override { return system_clock().wall(); }
  Instant monotonic() const override { return Instant{} + std::chrono::hours(hours++); }
};

TEST_CASE("a disk that stays full ends the pull after the time it may wait, with everything verified kept") {
  TransferRig rig;
  support::make_tree(rig.giver(),
                     {.seed = 9, .files = 50, .files_per_directory = 10, .size_max_bytes = 3000});
  FullForAWhile disk;
  disk.writes_left = 20;
  disk.tries_left = 1'000'000'000;
  HastyClock clock;
  RunOptions options;
  options.ops = &disk;
  options.clock = &clock;
  options.request.wait_for_space = 10h;
  const Ends ends = rig.pull(options);
  CHECK(ends.pull.outcome == Outcome::failed);
  CHECK(ends.pull.cause == PullCause::disk);
  CHECK(ends.pull.text.find("no space left") != std::string::npos);
  const Ends next = rig.pull();
  CHECK(next.pull.outcome == Outcome::done);
  CHECK(rig.differences() == std::vector<std::string>{});
  CHECK(next.give.files < 40);
}

TEST_CASE("a paused pull can be cancelled") {
  TransferRig rig;
  write_file(rig.giver() / "a", "a");
  FullForAWhile disk;
  disk.tries_left = 1'000'000'000;
  RunOptions options;
  options.ops = &disk;
  options.request.wait_for_space = 1h;
  options.while_running = [&](Taker& taker) {
    while (taker.progress().paused.empty()) std::this_thread::yield();
    taker.cancel();
  };
  CHECK(rig.pull(options).pull.outcome == Outcome::cancelled);
  CHECK_FALSE(fs::exists(rig.taker() / "a"));
}

}  // namespace callboard::client::transfer_room_test
