// When a giver squeezes: what it is told of how fast things go, without a clock or a link.
#include "client/squeeze_policy.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>

namespace callboard::client::squeeze_policy_test {
namespace {

// A link, and content that becomes `ratio` as long at `squeeze_rate`; both work at the same time, as the kernel's buffers have
// them do. `other_rate`: something else that content must pass, the taker's disk.
struct World {
  double link_rate = 100e6;
  double ratio = 0.4;
  double squeeze_rate = 400e6;
  double other_rate = 1e12;
  double buffer_bytes =
      0;  // On the way: what the link is not asked to carry at once, empty when it had nothing to do.
};

class Run {
 public:
  explicit Run(World around, Compression compression = Compression::automatic)
      : world(around), policy_(compression) {}

  // Sends blocks until so much content was; the share of it that was squeezed.
  double send(std::uint64_t bytes, bool shrinks = true) {
    std::uint64_t squeezed = 0;
    for (std::uint64_t sent = 0; sent < bytes;) {
      const std::uint64_t block = policy_.is_on() && shrinks ? 256 * KiB : 1 * MiB;
      if (policy_.is_on() && shrinks) squeezed += block;
      send_block(block, shrinks);
      sent += block;
    }
    return static_cast<double>(squeezed) / static_cast<double>(bytes);
  }
  // `stalled`: how much longer this one takes.
  void send_block(std::uint64_t block, bool shrinks = true, double stalled = 0) {
    const auto size = static_cast<double>(block);
    const bool squeezes = policy_.is_on() && shrinks;
    const double squeezing = squeezes ? size / world.squeeze_rate : 0;
    const double moving = (size * (squeezes ? world.ratio : 1) - take_room(size, squeezes)) / world.link_rate;
    policy_.on_sent({.content_bytes = block,
                     .seconds = std::max({squeezing, moving, size / world.other_rate}) + stalled,
                     .squeeze_seconds = squeezing,
                     .is_squeezed = squeezes});
    if (squeezes) room_ += std::max(squeezing - moving, 0.0) * world.link_rate;
    room_ = std::min(room_, world.buffer_bytes);
  }
  bool is_on() const { return policy_.is_on(); }

  World world;

 private:
  // Of the buffers, for what is not squeezed.
  double take_room(double size, bool squeezes) {
    const double taken = squeezes ? 0 : std::min(size, room_);
    room_ -= taken;
    return taken;
  }

  SqueezePolicy policy_;
  double room_ = 0;
};

}  // namespace

TEST_CASE("on links slower than the squeezer content is squeezed, after five windows and for good") {
  for (const double megabytes : {0.1, 1.0, 8.0, 30.0, 118.0, 190.0}) {
    Run run({.link_rate = megabytes * 1e6});
    INFO(megabytes);
    CHECK_FALSE(run.is_on());
    run.send(20 * MiB);
    CHECK(run.is_on());
    CHECK(run.send(1 * GiB) > 0.85);
  }
}

TEST_CASE("on a slow link two blocks suffice to tell") {
  Run run({.link_rate = 1e6});
  run.send(2 * MiB);
  CHECK(run.is_on());
}

TEST_CASE("on links that are faster than the squeezer nothing is squeezed") {
  for (const double megabytes : {210.0, 1200.0, 3000.0, 1e9}) {
    Run run({.link_rate = megabytes * 1e6});
    INFO(megabytes);
    CHECK(run.send(4 * GiB) == 0);
  }
}

TEST_CASE("buffers on the way that take the first megabytes at once do not hide a slow link") {
  Run run({.link_rate = 8e6});
  run.world.link_rate = 5e9;
  run.send(8 * MiB);
  CHECK_FALSE(run.is_on());
  run.world.link_rate = 8e6;
  run.send(4 * MiB);
  CHECK(run.is_on());
  CHECK(run.send(256 * MiB) > 0.99);
}

TEST_CASE("a link that takes much at once and then nothing for a while is as slow as it is on the whole") {
  Run run({.link_rate = 8e6});
  run.send(16 * MiB);
  REQUIRE(run.is_on());
  for (int round = 0; round < 100; ++round) {
    run.world.link_rate = 1e12;
    run.send(3 * MiB);
    run.world.link_rate = 1e6;
    run.send(512 * KiB);
    CHECK(run.is_on());
  }
}

TEST_CASE(
    "on a machine so busy that its squeezer is what is waited for, looking at a slow link takes little of "
    "it") {
  Run run({.link_rate = 50e6, .ratio = 0.3, .squeeze_rate = 140e6, .buffer_bytes = 4e6});
  run.send(20 * MiB);
  REQUIRE(run.is_on());
  CHECK(run.send(300 * MiB) > 0.8);
  // It does look, and sees that the link is another one now.
  run.world.link_rate = 2e9;
  run.send(320 * MiB);
  CHECK(run.send(512 * MiB) < 0.05);
}

TEST_CASE("a fast link on a machine that is busy with other things is not taken for a slow one for long") {
  Run run({.link_rate = 700e6, .squeeze_rate = 150e6});
  run.world.other_rate = 50e6;  // So busy that nothing moves as it could, 30 MiB long.
  run.send(30 * MiB);
  run.world.other_rate = 1e12;
  CHECK(run.send(512 * MiB) < 0.05);
  CHECK_FALSE(run.is_on());
}

TEST_CASE("a hiccup of a fast link changes nothing") {
  Run run({.link_rate = 1e9});
  for (int i = 0; i < 40; ++i) {
    run.send_block(1 * MiB, true, 0.5);
    CHECK(run.send(16 * MiB) == 0);
  }
}

TEST_CASE("where the taker's disk is what is waited for it is tried, and then seldom") {
  Run run({.link_rate = 1e9, .other_rate = 100e6});
  CHECK(run.send(256 * MiB) < 0.13);
  CHECK(run.send(4 * GiB) < 0.03);
  // A slow link shows all the same, some time.
  run.world.link_rate = 10e6;
  run.send(1 * GiB);
  CHECK(run.is_on());
}

TEST_CASE("a squeezer that is slower than it was taken for is found out") {
  Run run({.link_rate = 200e6, .squeeze_rate = 150e6});
  CHECK(run.send(512 * MiB) < 0.1);
}

TEST_CASE("a link that becomes slower or faster in the middle is noticed") {
  Run run({.link_rate = 1e9});
  run.send(256 * MiB);
  CHECK_FALSE(run.is_on());
  run.world.link_rate = 30e6;
  run.send(32 * MiB);
  CHECK(run.is_on());
  run.send(64 * MiB);
  run.world.link_rate = 2e9;
  run.send(512 * MiB);
  CHECK_FALSE(run.is_on());
  CHECK(run.send(1 * GiB) == 0);
}

TEST_CASE("a link that becomes slower while content is squeezed stays squeezed but for a moment") {
  Run run({.link_rate = 100e6});
  run.send(256 * MiB);
  run.world.link_rate = 20e6;
  CHECK(run.send(512 * MiB) > 0.8);
  CHECK(run.is_on());
}

TEST_CASE("what does not become shorter says nothing of what does") {
  Run run({.link_rate = 10e6});
  run.send(64 * MiB);
  REQUIRE(run.is_on());
  run.send(512 * MiB, false);
  CHECK(run.is_on());
}

TEST_CASE("always is always, and never never, whatever the link") {
  for (const double link : {1e6, 1e10}) {
    Run always({.link_rate = link}, Compression::always);
    CHECK(always.send(64 * MiB) == 1);
    Run never({.link_rate = link}, Compression::never);
    CHECK(never.send(64 * MiB) == 0);
  }
}

}  // namespace callboard::client::squeeze_policy_test
