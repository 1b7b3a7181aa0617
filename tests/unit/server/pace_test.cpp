#include "server/pace.h"

#include <catch2/catch.hpp>

#include "protocol/server_asks.h"
#include "server/ask_cost.h"
#include "tests/unit/server/studio.h"

namespace callboard::server::pace_test {
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

TEST_CASE("what costs more counts as more, also when that is known afterwards") {
  Pace pace(100);
  Instant now{};
  CHECK(pace.on_some(200, now) == Verdict::fine);
  CHECK(pace.on_some(1, now) == Verdict::told);
  CHECK(pace.on_some(300, now) == Verdict::held);
  now = pace.held_until();
  pace.add(1000, now);
  CHECK(pace.on_one(now) == Verdict::held);
  CHECK(pace.held_until() - now >= 10s);
  // However much that is, it is told first.
  Pace another(100);
  another.add(1000, now);
  CHECK(another.on_one(now) == Verdict::told);
  CHECK(another.on_one(now) == Verdict::held);
}

TEST_CASE("calls, asks, turns and what is reported count as asks, and changes as writes") {
  const auto cost = [](protocol::ClientMessage message) { return cost_of(message); };
  const auto is = [](const AskCost& one, AskCost::Kind kind, std::uint64_t count) {
    return one.kind == kind && one.count == count;
  };
  const auto text = [](std::size_t size) { return std::make_shared<const std::string>(size, ' '); };
  using Kind = AskCost::Kind;
  CHECK(is(cost(protocol::UsersAsk{}), Kind::ask, 1));
  CHECK(is(cost(protocol::HistoryAsk{}), Kind::ask, 1));
  CHECK(is(cost(protocol::GetAsk{}), Kind::ask, 10));
  CHECK(is(cost(protocol::ChannelAsk{}), Kind::ask, 10));
  protocol::CallAsk call;
  CHECK(is(cost(call), Kind::ask, 1));
  call.arguments = text(64 * KiB);
  CHECK(is(cost(call), Kind::ask, 33));
  CHECK(is(cost(protocol::MessageAsk{}), Kind::message, 1));
  CHECK(is(cost(protocol::AtAsk{}), Kind::write, 1));
  protocol::AssetsChange change;
  for (int i = 0; i < 80; ++i) change.items["/dev/" + std::to_string(i)] = std::nullopt;
  CHECK(is(cost(change), Kind::write, 11));
  protocol::DocumentWrite write;
  write.document = text(160 * KiB);
  CHECK(is(cost(write), Kind::write, 11));
  CHECK(is(cost(protocol::RecordAsk{}), Kind::write, 1));
  CHECK(is(cost(protocol::CallProgressed{}), Kind::ask, 1));
  CHECK(cost_of_answer(100) == 0);
  CHECK(cost_of_answer(1 * MiB) == 64);
  CHECK(cost_of_making(1 * MiB) == 512);
}

namespace {

// Asks `count` times, so many of them in a turn; returns how long that took.
template <class Ask>
Duration ask_often(Studio& studio, TestClient& client, const Ask& ask, std::uint32_t count,
                   std::uint32_t at_once) {
  const Instant start = studio.loop.now();
  for (std::uint32_t sent = 0; sent < count;) {
    client.say(protocol::TurnRequest{});
    client.expect<protocol::Yours>();
    const std::uint32_t from = sent;
    for (; sent < count && sent - from < at_once; ++sent) {
      Ask one = ask;
      one.id = 1000 + sent;
      client.say(one);
    }
    client.say(protocol::Yours{});
    for (std::uint32_t answered = from; answered < sent;) {
      auto heard = client.next();
      REQUIRE(heard);
      if (protocol::answered_id_of(*heard)) {
        ++answered;
      } else {
        client.heard.push_back(std::move(*heard));
      }
    }
  }
  return studio.loop.now() - start;
}

}  // namespace

TEST_CASE("a session that calls or asks too much is told so and held back, and nobody else is") {
  ServerOptions options;
  options.pace = {.writes = 0, .messages = 0, .asks = 100};
  Studio studio(options);
  auto caller = studio.join("rigging");
  auto other = studio.join("lighting");
  protocol::CallAsk ping;
  ping.name = "ping";
  // 400 are 4 s' worth; the rest, and the turns, come at 100 a second.
  CHECK(ask_often(studio, *caller, ping, 410, 200) >= 100ms);
  const auto told = caller->told<protocol::Slower>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].what == "asks");
  CHECK(told[0].per_second == 100);
  CHECK(other->told<protocol::Slower>().empty());
}

TEST_CASE("a session that asks for long lists is held back after few of them") {
  ServerOptions options;
  options.pace = {.writes = 0, .messages = 0, .asks = 100};
  Studio studio(options);
  auto giver = studio.connect();
  for (int i = 0; i < 10'000; ++i) giver->items["/dev/chr/" + std::to_string(i)] = Timestamp{1000 + i};
  REQUIRE(giver->join("lighting"));
  auto asker = studio.join("rigging");
  // Made for it, and sent, that is more than 4 s' worth.
  static_cast<void>(asker->ask_for<protocol::Assets>(protocol::AssetsRead{}));
  CHECK(ask_often(studio, *asker, protocol::AssetsRead{}, 3, 1) >= 100ms);
  CHECK(asker->told<protocol::Slower>().size() == 1);
}

}  // namespace callboard::server::pace_test
