#include "server/pace.h"

#include <catch2/catch.hpp>

#include "tests/unit/server/studio.h"

namespace callboard::server {
namespace {

using Verdict = Pace::Verdict;

}  // namespace

TEST_CASE("who keeps the pace, or is ahead for a moment, is let be") {
  Pace pace(100);
  Instant now{};
  for (int i = 0; i < 200; ++i) REQUIRE(pace.on_one(now) == Verdict::fine);
  for (int i = 0; i < 10'000; ++i) REQUIRE(pace.on_one(now += 10ms) == Verdict::fine);
  now += 2s;
  for (int i = 0; i < 200; ++i) REQUIRE(pace.on_one(now) == Verdict::fine);
  CHECK(pace.on_one(now) == Verdict::told);
}

TEST_CASE("who is ahead is told once, then held back to the rate") {
  Pace pace(100);
  const Instant start{};
  for (int i = 0; i < 200; ++i) pace.on_one(start);
  CHECK(pace.on_one(start) == Verdict::told);
  for (int i = 201; i < 400; ++i) REQUIRE(pace.on_one(start) == Verdict::fine);
  CHECK(pace.on_one(start) == Verdict::held);
  CHECK(pace.held_until() == start + 110ms);
  // 100 ms' worth at a time from then on: ten.
  Instant now = pace.held_until();
  for (int i = 0; i < 10; ++i) REQUIRE(pace.on_one(now) == Verdict::fine);
  CHECK(pace.on_one(now) == Verdict::held);
  CHECK(pace.held_until() == now + 110ms);
  // Who has paused and gets ahead again is told again.
  now += 10s;
  for (int i = 0; i < 200; ++i) REQUIRE(pace.on_one(now) == Verdict::fine);
  CHECK(pace.on_one(now) == Verdict::told);
}

TEST_CASE("who was ahead all the time for long goes, and not before") {
  Pace pace(100);
  Instant now{};
  for (int i = 0; i < 201; ++i) pace.on_one(now);
  while (now < Instant{} + 30s - 1ms) {
    const Verdict verdict = pace.on_one(now);
    REQUIRE(verdict != Verdict::over);
    now = verdict == Verdict::held ? std::min(pace.held_until(), Instant{} + 30s - 1ms) : now;
  }
  CHECK(pace.on_one(now) != Verdict::over);
  CHECK(pace.on_one(Instant{} + 30s) == Verdict::over);
}

TEST_CASE("0 a second is no limit, and one a second is one") {
  Pace none(0);
  for (int i = 0; i < 100'000; ++i) REQUIRE(none.on_one(Instant{}) == Verdict::fine);
  Pace one(1);
  CHECK(one.on_one(Instant{}) == Verdict::fine);
  CHECK(one.on_one(Instant{}) == Verdict::fine);
  CHECK(one.on_one(Instant{}) == Verdict::told);
}

TEST_CASE("a session that says too much is told so and held back, and nobody else is") {
  ServerOptions options;
  options.pace = {.writes = 0, .messages = 50};
  Studio studio(options);
  auto chatter = studio.join("rigging");
  auto other = studio.join("lighting");
  const Instant start = studio.loop.now();
  // 2 s' worth are its own business, 4 s' worth are taken, and the rest at 50 a second.
  constexpr std::uint32_t kMessages = 210;
  std::uint32_t answered = 0;
  for (std::uint32_t sent = 0; sent < kMessages;) {
    chatter->say(protocol::TurnRequest{});
    chatter->expect<protocol::Yours>();
    for (int i = 0; i < 70; ++i, ++sent)
      chatter->say(protocol::MessageAsk{1000 + sent, "hello", UniqueId{7, sent + 1}});
    chatter->say(protocol::Yours{});
    for (; answered < sent; ++answered) chatter->expect<protocol::Ok>();
  }
  CHECK(studio.loop.now() - start >= 100ms);
  const auto told = chatter->told<protocol::Slower>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].what == "messages");
  CHECK(told[0].per_second == 50);
  CHECK(other->told<protocol::Slower>().empty());
}

}  // namespace callboard::server
