#include "server/transfers.h"

#include <catch2/catch.hpp>

#include "base/limits.h"
#include "protocol/message.h"

namespace callboard::transfers_test {
using namespace callboard::server;

namespace {

const SessionId kGiver{1};
const SessionId kTaker{2};
const Instant kStart{Duration(1000)};

RandomSource counting() {
  return [next = std::uint64_t{0}]() mutable { return ++next; };
}

Transfers::Request request() {
  return {{kGiver, "lighting"}, {kTaker, "rigging"}, "/dev/chr/Moria", Transfers::Kind::pull};
}

Transfers::Begun begin(Transfers& transfers) {
  auto begun = transfers.begin(request(), Timestamp{5}, kStart);
  REQUIRE(begun);
  return *begun;
}

Transfers::Ending only_ending(Transfers& transfers) {
  auto endings = transfers.take_endings();
  REQUIRE(endings.size() == 1);
  CHECK(endings[0].giver == kGiver);
  CHECK(endings[0].taker == kTaker);
  return endings[0];
}

}  // namespace

TEST_CASE("a transfer is relayed once both tickets were shown, whoever comes first") {
  Transfers transfers(counting());
  const auto begun = begin(transfers);
  const auto first = transfers.show(begun.taker_ticket, 20);
  REQUIRE(first);
  CHECK_FALSE(*first);
  const auto second = transfers.show(begun.giver_ticket, 10);
  REQUIRE(second);
  REQUIRE(*second);

  CHECK((*second)->giver == 10);
  CHECK((*second)->taker == 20);
  CHECK((*second)->id == begun.id);
  CHECK_FALSE(transfers.next_deadline());
  CHECK(transfers.take_endings().empty());
}

TEST_CASE("a ticket is good once") {
  Transfers transfers(counting());
  const auto begun = begin(transfers);
  REQUIRE(transfers.show(begun.taker_ticket, 20));

  CHECK(transfers.show(begun.taker_ticket, 21).error().outcome == Outcome::refused);
  CHECK_FALSE(transfers.show(UniqueId{77, 77}, 22));
  CHECK(transfers.take_endings().empty());
}

TEST_CASE("a ticket that is too old ends the transfer and names who did not come") {
  Transfers transfers(counting());
  const auto begun = begin(transfers);
  REQUIRE(transfers.show(begun.taker_ticket, 20));
  REQUIRE(transfers.next_deadline() == kStart + kTicketLife);
  transfers.on_time(kStart + kTicketLife - 1ns);
  CHECK(transfers.take_endings().empty());
  transfers.on_time(kStart + kTicketLife);

  const auto ending = only_ending(transfers);
  CHECK(ending.why.outcome == Outcome::timed_out);
  CHECK(ending.why.text == "\"lighting\" did not open the data connection in time");
  CHECK(ending.waiting == std::vector<Transfers::ConnectionKey>{20});
  CHECK_FALSE(ending.was_relaying);
  CHECK_FALSE(transfers.show(begun.giver_ticket, 10));
  CHECK(transfers.running().empty());
}

TEST_CASE("a relay that went to its end is done, with its bytes") {
  Transfers transfers(counting());
  const auto begun = begin(transfers);
  REQUIRE(transfers.show(begun.giver_ticket, 10));
  REQUIRE(transfers.show(begun.taker_ticket, 20));
  transfers.on_relay_end(begun.id, {Outcome::done, "closed"}, 4711);
  transfers.on_relay_end(begun.id, {Outcome::done, "closed"}, 4711);

  const auto ending = only_ending(transfers);
  CHECK(ending.why.outcome == Outcome::done);
  CHECK(ending.why.text.empty());
  CHECK(ending.bytes == 4711);
}

TEST_CASE("whoever of the two leaves ends the transfer, and the relay's end is not told again") {
  const SessionId leaver = GENERATE(kGiver, kTaker);
  Transfers transfers(counting());
  const auto begun = begin(transfers);
  REQUIRE(transfers.show(begun.giver_ticket, 10));
  REQUIRE(transfers.show(begun.taker_ticket, 20));
  transfers.on_session_left(leaver, "somebody");

  const auto ending = only_ending(transfers);
  CHECK(ending.why.outcome == Outcome::interrupted);
  CHECK(ending.why.text == "\"somebody\" left");
  CHECK(ending.was_relaying);
  transfers.on_relay_end(begun.id, {Outcome::cancelled, ""}, 1);
  transfers.on_session_left(leaver, "somebody");
  CHECK(transfers.take_endings().empty());
}

TEST_CASE("a data connection that is lost while it waits ends its transfer") {
  Transfers transfers(counting());
  const auto begun = begin(transfers);
  REQUIRE(transfers.show(begun.giver_ticket, 10));
  transfers.on_connection_lost(99);
  CHECK(transfers.take_endings().empty());
  transfers.on_connection_lost(10);

  const auto ending = only_ending(transfers);
  CHECK(ending.why.text == "the data connection of \"lighting\" was lost");
  CHECK(ending.waiting.empty());
}

// --- To the server ---------------------------------------------------------------------------------------------------

Transfers::Request request_to_server(const std::string& origin = "") {
  return {{}, {kTaker, "rigging", origin}, "/words", Transfers::Kind::channel};
}

TEST_CASE("a channel to the server is relayed as soon as its client comes") {
  Transfers transfers(counting());
  const auto begun = transfers.begin(request_to_server(), Timestamp{5}, kStart).value();
  // What it has no ticket for nobody can show.
  CHECK_FALSE(transfers.show(UniqueId(), 9));
  const auto pair = transfers.show(begun.taker_ticket, 20);
  REQUIRE(pair);
  REQUIRE(*pair);
  CHECK((*pair)->giver == Transfers::kServerEnd);
  CHECK((*pair)->taker == 20);
  CHECK_FALSE(transfers.show(begun.taker_ticket, 21));
  REQUIRE(transfers.cancel(SessionId(), begun.id, Error{Outcome::refused, "renders at the moment"}));
  const auto endings = transfers.take_endings();
  REQUIRE(endings.size() == 1);
  CHECK(endings[0].why.text == "the server: renders at the moment");
  CHECK_FALSE(endings[0].giver);
  CHECK(endings[0].was_relaying);
}

TEST_CASE("a channel to the server whose client does not come is over when the ticket is") {
  Transfers transfers(counting());
  const auto begun = transfers.begin(request_to_server(), Timestamp{5}, kStart);
  REQUIRE(begun);
  transfers.on_time(kStart + kTicketLife);
  const auto endings = transfers.take_endings();
  REQUIRE(endings.size() == 1);
  CHECK(endings[0].why.text == "\"rigging\" did not open the data connection in time");
  CHECK(transfers.cancel(SessionId(), begun->id).error().outcome == Outcome::not_found);
}

TEST_CASE("one person has most of the channels to the server, not all, and all have so many together") {
  Transfers transfers(counting());
  const auto begin_by = [&](std::uint64_t session, const std::string& origin) {
    return transfers.begin({{}, {SessionId{session}, "user", origin}, "/words", Transfers::Kind::channel},
                           Timestamp{5}, kStart);
  };
  for (std::size_t i = 0; i < kTransfersPerTaker; ++i) REQUIRE(begin_by(2, "one"));
  CHECK(begin_by(3, "one").error().text ==
        "you take 48 times from the server already, the rest is for others");
  for (std::size_t i = kTransfersPerTaker; i < kServerChannelsMax; ++i) REQUIRE(begin_by(4, "another"));
  CHECK(begin_by(5, "a third").error().text == "the server has 64 transfers under way already");
}

TEST_CASE("both sides may cancel, strangers may not") {
  Transfers transfers(counting());
  const auto begun = begin(transfers);
  CHECK(transfers.cancel(SessionId{3}, begun.id).error().outcome == Outcome::not_found);
  CHECK(transfers.cancel(kTaker, begun.id + 1).error().outcome == Outcome::not_found);
  CHECK(transfers.take_endings().empty());
  REQUIRE(transfers.cancel(kTaker, begun.id));

  CHECK(only_ending(transfers).why.text == "cancelled by \"rigging\"");
  CHECK_FALSE(transfers.cancel(kTaker, begun.id));
}

TEST_CASE("one person takes from a giver no more than leaves places for others, who get them") {
  Transfers transfers(counting());
  const auto taking = [](std::uint64_t session, const std::string& origin, SessionId giver = kGiver) {
    return Transfers::Request{
        {giver, "lighting", "10.0.0.1"}, {SessionId{session}, "rigging", origin}, "/dev"};
  };
  for (std::size_t i = 0; i < kTransfersPerTaker; ++i)
    REQUIRE(transfers.begin(taking(10 + i % 2, "10.0.0.5"), Timestamp{5}, kStart));
  // Whichever of their sessions asks.
  for (const std::uint64_t session : {10U, 11U, 12U}) {
    const auto refused = transfers.begin(taking(session, "10.0.0.5"), Timestamp{5}, kStart);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().outcome == Outcome::refused);
  }
  CHECK(transfers.begin(taking(12, "10.0.0.5", SessionId{3}), Timestamp{5}, kStart));
  for (std::size_t i = kTransfersPerTaker; i < kTransfersPerSession; ++i)
    REQUIRE(transfers.begin(taking(20, "10.0.0.6"), Timestamp{5}, kStart));
  CHECK_FALSE(transfers.begin(taking(20, "10.0.0.6"), Timestamp{5}, kStart));
  // Who never connects has them again when the tickets are too old.
  transfers.on_time(kStart + kTicketLife);
  CHECK(transfers.running().empty());
  CHECK(transfers.begin(taking(10, "10.0.0.5"), Timestamp{5}, kStart));
}

TEST_CASE("a session takes part in kTransfersPerSession transfers and no more") {
  Transfers transfers(counting());
  for (std::size_t i = 0; i < kTransfersPerSession; ++i) {
    Transfers::Request one = request();
    one.taker.origin = i % 2 == 0 ? "10.0.0.5" : "10.0.0.6";
    REQUIRE(transfers.begin(std::move(one), Timestamp{5}, kStart));
  }
  CHECK(transfers.begin(request(), Timestamp{5}, kStart).error().outcome == Outcome::refused);
  REQUIRE(transfers.cancel(kGiver, 1));
  CHECK(transfers.begin(request(), Timestamp{5}, kStart));
  transfers.end_all({Outcome::interrupted, "the server stops"});
  CHECK(transfers.take_endings().size() == kTransfersPerSession + 1);
  CHECK(transfers.running().empty());
}

namespace {

constexpr Duration kStall = kStallLimit;

// Relayed from kStart on.
Transfers::Id begin_relaying(Transfers& transfers) {
  const auto begun = begin(transfers);
  REQUIRE(transfers.show(begun.giver_ticket, 10));
  REQUIRE(transfers.show(begun.taker_ticket, 20));
  transfers.on_moved(begun.id, 0, kStart);
  return begun.id;
}

}  // namespace

TEST_CASE(
    "a relayed transfer of which nothing moves and nobody speaks ends as interrupted, to be gone on with") {
  Transfers transfers(counting());
  const auto id = begin_relaying(transfers);
  transfers.on_moved(id, 0, kStart + kStall - 1ns);
  transfers.end_stalled(kStart + kStall - 1ns);
  CHECK(transfers.take_endings().empty());
  transfers.end_stalled(kStart + kStall);
  const auto ending = only_ending(transfers);
  CHECK(ending.why.outcome == Outcome::interrupted);
  CHECK(ending.why.text == "nothing moved, and \"lighting\" said nothing, for 30 s");
  CHECK(ending.was_relaying);
}

TEST_CASE("bytes in either direction keep a transfer going, however few") {
  Transfers transfers(counting());
  const auto id = begin_relaying(transfers);
  Instant now = kStart;
  for (std::uint64_t bytes = 1; bytes < 20; ++bytes) {
    now += kStall - 1s;
    transfers.on_moved(id, bytes, now);
    transfers.end_stalled(now);
    CHECK(transfers.take_endings().empty());
  }
  transfers.on_moved(id, 19, now + kStall);
  transfers.end_stalled(now + kStall);
  CHECK(only_ending(transfers).why.outcome == Outcome::interrupted);
}

TEST_CASE("a transfer that both sides say they work on waits for as long as they say so") {
  Transfers transfers(counting());
  const auto id = begin_relaying(transfers);
  Instant now = kStart;
  for (int minutes = 0; minutes < 60; ++minutes) {
    now += 20s;
    transfers.on_moved(id, 0, now);
    transfers.on_working(kGiver, {id}, now);
    transfers.on_working(kTaker, {id, id + 1}, now);
    transfers.end_stalled(now);
    CHECK(transfers.take_endings().empty());
  }
  // The taker has nothing more to say.
  transfers.on_working(kGiver, {id}, now + 15s);
  transfers.end_stalled(now + kStall);
  CHECK(only_ending(transfers).why.text == "nothing moved, and \"rigging\" said nothing, for 30 s");
}

TEST_CASE(
    "who is not part of a transfer cannot keep it going, and one that still waits for a side has its own "
    "limit") {
  Transfers transfers(counting());
  const auto id = begin_relaying(transfers);
  transfers.on_working(SessionId{3}, {id}, kStart + 20s);
  const auto waiting = begin(transfers);
  transfers.on_moved(waiting.id, 0, kStart);
  transfers.on_working(kGiver, {waiting.id}, kStart + 20s);
  transfers.end_stalled(kStart + kStall);
  CHECK(only_ending(transfers).id == id);
  CHECK(transfers.running().contains(waiting.id));
}

TEST_CASE("a channel rests for as long as it likes") {
  Transfers transfers(counting());
  auto wanted = request();
  wanted.kind = Transfers::Kind::channel;
  const auto begun = transfers.begin(std::move(wanted), Timestamp{5}, kStart).value();
  REQUIRE(transfers.show(begun.giver_ticket, 10));
  REQUIRE(transfers.show(begun.taker_ticket, 20));
  transfers.on_moved(begun.id, 0, kStart);
  transfers.end_stalled(kStart + 100 * kStallLimit);
  CHECK(transfers.take_endings().empty());
  CHECK(transfers.running().size() == 1);
}

TEST_CASE("who cancels may say why, and is named") {
  Transfers transfers(counting());
  const auto begun = begin(transfers);
  REQUIRE(transfers.show(begun.taker_ticket, 20));
  REQUIRE(transfers.cancel(kGiver, begun.id, Error{Outcome::refused, "has somebody on it already"}));
  const auto ending = only_ending(transfers);
  CHECK(ending.why.outcome == Outcome::refused);
  CHECK(ending.why.text == "\"lighting\": has somebody on it already");
  CHECK(ending.waiting == std::vector<Transfers::ConnectionKey>{20});
}

}  // namespace callboard::transfers_test
