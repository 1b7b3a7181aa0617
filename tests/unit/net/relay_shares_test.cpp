#include "net/relay_shares.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <map>

namespace callboard::net::relay_shares_test {
namespace {

constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();

// Pairs of which each has so much to move, in virtual time: a turn takes no time, waiting does.
struct Hall {
  explicit Hall(RelayLimits limits, std::uint64_t turn_bytes = 1 * MiB) : shares(turn_bytes) {
    shares.set_limits(limits, now);
  }

  RelayShares shares;
  Instant now{};
  std::map<RelayShares::Id, std::uint64_t> wanted;
  std::map<RelayShares::Id, std::uint64_t> moved;
  // What one turn of a pair can find in its socket, where that is less than it may move.
  std::map<RelayShares::Id, std::uint64_t> at_once;

  void begin(RelayShares::Id id, std::uint64_t bytes = kEndless) {
    wanted[id] = bytes;
    shares.line_up(id, now);
  }

  void take(const RelayShares::Turn& turn) {
    auto bytes = std::min(turn.bytes, wanted[turn.id]);
    if (at_once.contains(turn.id)) bytes = std::min(bytes, at_once[turn.id]);
    if (wanted[turn.id] != kEndless) wanted[turn.id] -= bytes;
    moved[turn.id] += bytes;
    shares.moved(turn.id, bytes, now);
    if (wanted[turn.id] > 0) shares.line_up(turn.id, now);
  }

  // With a limit in force, or with little wanted: nothing else makes time pass.
  void run_for(Duration time) {
    const Instant end = now + time;
    while (const auto due = shares.next_due(now)) {
      if (*due > end) break;
      now = std::max(now, *due);
      if (const auto turn = shares.next(now)) take(*turn);
    }
    now = end;
  }

  void take_turns(int count) {
    for (; count > 0; --count) take(*shares.next(now));
  }

  std::uint64_t all() const {
    std::uint64_t sum = 0;
    for (const auto& [id, bytes] : moved) sum += bytes;
    return sum;
  }
};

bool is_about(std::uint64_t bytes, std::uint64_t expected, std::uint64_t slack) {
  return bytes + slack >= expected && bytes <= expected + slack;
}

}  // namespace

TEST_CASE("without limits everybody in line has a turn at once, and nobody waits") {
  Hall hall({});
  for (RelayShares::Id id = 1; id <= 3; ++id) hall.begin(id);
  CHECK(hall.shares.size() == 3);
  CHECK(hall.shares.next_due(hall.now) == hall.now);
  hall.take_turns(3);
  for (RelayShares::Id id = 1; id <= 3; ++id) CHECK(hall.moved[id] == 1 * MiB);
}

TEST_CASE("with nobody in line there is no turn and nothing to wait for") {
  RelayShares shares(1 * MiB);
  CHECK_FALSE(shares.next(Instant{}));
  CHECK_FALSE(shares.next_due(Instant{}));
  shares.forget(7);
  shares.line_up(7, Instant{});
  CHECK(shares.is_in_line(7));
  shares.forget(7);
  CHECK_FALSE(shares.is_in_line(7));
  CHECK_FALSE(shares.next(Instant{}));
}

TEST_CASE("equal shares are of bytes, not of turns") {
  Hall hall({});
  hall.begin(1);
  hall.begin(2);
  hall.at_once[1] = 64 * KiB;  // Has small socket buffers.
  hall.take_turns(1000);
  CHECK(is_about(hall.moved[1], hall.moved[2], 1 * MiB));
}

TEST_CASE("a total limit is kept over time, whatever the number of pairs") {
  const RelayShares::Id pairs = GENERATE(1U, 3U, 20U);
  Hall hall({.total = 50'000'000});
  for (RelayShares::Id id = 1; id <= pairs; ++id) hall.begin(id);
  hall.run_for(10s);
  // One burst more, at most: what the bucket held in the beginning.
  CHECK(hall.all() <= 500'000'000 + 2'500'000);
  CHECK(hall.all() >= 500'000'000 - 1'000'000);
  for (RelayShares::Id id = 1; id <= pairs; ++id) {
    CHECK(is_about(hall.moved[id], 500'000'000 / pairs, 4'000'000));
  }
}

TEST_CASE("in no second more than the limit and one burst is moved") {
  Hall hall({.total = 10'000'000});
  hall.begin(1);
  hall.begin(2);
  hall.run_for(700ms);
  for (int second = 0; second < 5; ++second) {
    const auto before = hall.all();
    hall.run_for(1s);
    CHECK(hall.all() - before <= 10'000'000 + 500'000);
    CHECK(hall.all() - before >= 10'000'000 - 500'000);
  }
}

TEST_CASE("a limit for each pair holds for each, and the total may be less than all of them") {
  Hall hall({.total = 25'000'000, .per_pair = 10'000'000});
  hall.begin(1);
  hall.run_for(10s);
  CHECK(is_about(hall.moved[1], 100'000'000, 1'000'000));
  hall.begin(2);
  hall.run_for(10s);
  CHECK(is_about(hall.moved[1], 200'000'000, 2'000'000));
  CHECK(is_about(hall.moved[2], 100'000'000, 2'000'000));
  for (RelayShares::Id id = 3; id <= 5; ++id) hall.begin(id);
  const auto before = hall.all();
  hall.run_for(10s);
  CHECK(is_about(hall.all() - before, 250'000'000, 3'000'000));
  CHECK(is_about(hall.moved[5], 50'000'000, 2'000'000));
}

TEST_CASE("who needs less than its share leaves the rest to the others") {
  Hall hall({.total = 40'000'000});
  hall.begin(1);
  hall.begin(2);
  hall.begin(3, 1'000'000);
  hall.run_for(10s);
  CHECK(hall.moved[3] == 1'000'000);
  CHECK(is_about(hall.moved[1], 199'500'000, 3'000'000));
  CHECK(is_about(hall.moved[2], 199'500'000, 3'000'000));
}

TEST_CASE("who was away gets an equal share from then on, and nothing for the time it was away") {
  Hall hall({.total = 40'000'000});
  hall.begin(1);
  hall.begin(2, 1'000);
  hall.run_for(10s);
  hall.begin(2);
  const auto first = hall.moved[1];
  const auto second = hall.moved[2];
  hall.run_for(10s);
  CHECK(is_about(hall.moved[1] - first, 200'000'000, 3'000'000));
  CHECK(is_about(hall.moved[2] - second, 200'000'000, 3'000'000));
}

TEST_CASE("a changed limit holds at once for those who wait") {
  Hall hall({.total = 1'000'000, .per_pair = 100'000});
  hall.begin(1);
  hall.begin(2);
  hall.run_for(1s);
  const auto before = hall.all();
  hall.shares.set_limits({.total = 100'000'000}, hall.now);
  hall.run_for(1s);
  CHECK(is_about(hall.all() - before, 100'000'000, 6'000'000));
  hall.shares.set_limits({.total = 100'000}, hall.now);
  const auto then = hall.all();
  hall.run_for(1s);
  CHECK(hall.all() - then <= 100'000 + 8 * KiB);
  CHECK(hall.all() - then >= 80'000);
  hall.shares.set_limits({}, hall.now);
  CHECK(hall.shares.next_due(hall.now) == hall.now);
  CHECK(hall.shares.next(hall.now)->bytes == 1 * MiB);
}

TEST_CASE("what one turn moved too much is waited off, also for a pair that ended in it") {
  RelayShares shares(1 * MiB);
  Instant now{};
  shares.set_limits({.total = 1'000'000}, now);
  shares.line_up(1, now);
  shares.line_up(2, now);
  const auto turn = shares.next(now);
  REQUIRE(turn);
  shares.forget(turn->id);
  shares.moved(turn->id, 2'000'000, now);
  CHECK_FALSE(shares.next(now));
  const auto due = shares.next_due(now);
  REQUIRE(due);
  CHECK(*due > now + 1900ms);
  CHECK(*due < now + 2100ms);
  CHECK(shares.next(*due));
}

TEST_CASE("the lowest limits still move, in small turns") {
  Hall hall({.total = 64 * KiB});
  for (RelayShares::Id id = 1; id <= 10; ++id) hall.begin(id);
  hall.run_for(10s);
  CHECK(is_about(hall.all(), 640 * KiB, 8 * KiB));
  for (RelayShares::Id id = 1; id <= 10; ++id) CHECK(is_about(hall.moved[id], 64 * KiB, 8 * KiB));
}

}  // namespace callboard::net::relay_shares_test
