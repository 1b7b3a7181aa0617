#include "server/deadlines.h"

#include <array>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "base/limits.h"
#include "server/pacing.h"

namespace callboard::server::deadlines_test {
namespace {

constexpr auto kPatience = 20s;  // Only a test that hangs ever reaches it.

}  // namespace

TEST_CASE("who is due again at once comes after all others that are due") {
  net::Loop loop;
  std::vector<std::uint64_t> came;
  std::set<std::uint64_t> turns;
  std::array<Deadlines::Watch, 5> watches;
  Deadlines* all = nullptr;
  const Instant past = loop.now();
  Deadlines deadlines(loop, [&](std::uint64_t key, Instant at) {
    if (!watches.at(key).take(at)) return;
    came.push_back(key);
    turns.insert(loop.turn());
    if (key == 1 && came.size() < 6) all->watch(1, watches[1], past);
    if (key == 2) all->forget(3, watches[3]);
  });
  all = &deadlines;
  for (const std::uint64_t key : {1U, 2U, 3U, 4U}) deadlines.watch(key, watches.at(key), past);
  REQUIRE(loop.run_until([&] { return came.size() >= 6; }, kPatience));
  CHECK(came == std::vector<std::uint64_t>{1, 2, 4, 1, 1, 1});
  // Each time in another turn of the loop: connections are looked at in between.
  CHECK(turns.size() == 4);
}

TEST_CASE("a deadline that comes in between leaves the one that stood, and a later one waits for it") {
  net::Loop loop;
  Deadlines::Watch watch;
  std::vector<Instant> moments;
  Deadlines deadlines(loop, [&](std::uint64_t, Instant at) {
    if (watch.take(at)) moments.push_back(at);
  });
  const Instant now = loop.now();
  deadlines.watch(1, watch, now + 3ms);
  deadlines.watch(1, watch, now + 5ms);
  deadlines.watch(1, watch, now + 1ms);
  REQUIRE(loop.run_until([&] { return moments.size() >= 2; }, kPatience));
  CHECK(moments == std::vector<Instant>{now + 1ms, now + 3ms});
  // It waits for nothing any more: what is asked for now counts.
  deadlines.watch(1, watch, now + 4ms);
  REQUIRE(loop.run_until([&] { return moments.size() >= 3; }, kPatience));
  CHECK(moments.back() == now + 4ms);
}

TEST_CASE("who is due for two reasons at once, and again for one of them, is looked at later as well") {
  net::Loop loop;
  Deadlines::Watch watch;
  std::vector<Instant> moments;
  Deadlines* all = nullptr;
  const Instant past = loop.now();
  Deadlines deadlines(loop, [&](std::uint64_t, Instant at) {
    if (!watch.take(at)) return;
    moments.push_back(at);
    loop.post([] {});  // The loop would wait before it looks whether that is all.
    if (moments.size() == 1) all->watch(1, watch, past - 2ms);
  });
  all = &deadlines;
  deadlines.watch(1, watch, past - 1ms);
  deadlines.watch(1, watch, past - 2ms);
  REQUIRE(loop.run_until([&] { return moments.size() >= 2; }, kPatience));
  deadlines.watch(1, watch, past + 1ms);
  REQUIRE(loop.run_until([&] { return moments.back() == past + 1ms; }, kPatience));
}

TEST_CASE(
    "a turn of the loop is over for those held back once it has been shared out, and the next one is not") {
  net::Loop loop;
  Pacing pacing(loop, {});
  const Instant now = loop.now();
  CHECK_FALSE(pacing.is_turn_over(now));
  CHECK_FALSE(pacing.has_had_its_share(now, now));
  CHECK(pacing.has_had_its_share(now, now + kTurnShare));
  CHECK_FALSE(pacing.is_turn_over(now + kTurnShare));
  CHECK(pacing.has_had_its_share(now + kTurnTime, now + kTurnTime));
  CHECK(pacing.is_turn_over(now + kTurnTime));
  bool is_turned = false;
  loop.post([&] { is_turned = true; });
  REQUIRE(loop.run_until([&] { return is_turned && !pacing.is_turn_over(now + kTurnTime); }, kPatience));
}

}  // namespace callboard::server::deadlines_test
