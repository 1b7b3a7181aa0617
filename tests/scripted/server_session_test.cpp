#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>

#include "tests/scripted/script.h"

namespace callboard::protocol::server_session_test {
using namespace script;

namespace {

ServerSession in_clients_turn(Instant now = kStart) { return server_at(server_step("awaiting yours"), now); }
ServerSession in_servers_turn(Instant now = kStart) {
  return server_at(server_step("awaiting request"), now);
}

template <class Action>
Action take(ServerSession& session) {
  while (auto action = session.next_action()) {
    if (auto* found = std::get_if<Action>(&*action)) return std::move(*found);
  }
  FAIL("no such action");
  throw 0;
}

Document document_of(std::uint64_t size_bytes) {
  return std::make_shared<const std::string>(size_bytes, ' ');
}

DocumentWrite write_of(AskId id, std::uint64_t size_bytes) {
  return {DocumentRecord::story, id, {1}, 0, {1, id}, document_of(size_bytes)};
}

}  // namespace

TEST_CASE("a join follows its script on the server") {
  auto session = fresh_server();
  const std::vector<Words> expected = {
      {"send username?"},       {"send project?"},
      {"admission rigging"},    {"send welcome", "send story"},
      {"claimed story"},        {"send story with document"},
      {"send assets"},          {"claimed assets"},
      {"send assets"},          {"send analytics"},
      {"claimed analytics"},    {"send analytics with document"},
      {"send yours", "joined"}, {"turn taken"},
  };
  REQUIRE(expected.size() == server_steps().size());
  for (std::size_t step = 0; step < expected.size(); ++step) {
    INFO(server_steps()[step].name);
    server_steps()[step].enter(session, kStart);
    CHECK(drain(session) == expected[step]);
  }
  CHECK(session.is_joined());
  CHECK(session.may_tell());
}

TEST_CASE("a visit goes from welcome to the first turn") {
  auto session = fresh_server();
  session.on_message(username(true), kStart);
  session.on_message(Project{"Moria's Race"}, kStart);
  CHECK(take<server_action::Admission>(session).visit);
  session.admit(welcome());
  CHECK(drain(session) == Words{"send welcome", "send yours", "joined"});
  CHECK_FALSE(session.may_tell());
}

TEST_CASE("a workstation that is told is there at the admission, a visit's is not") {
  const bool is_visit = GENERATE(false, true);
  auto session = fresh_server();
  auto hello = username(is_visit);
  hello.workstation = UniqueId{5, 6};
  session.on_message(hello, kStart);
  session.on_message(Project{"Moria's Race"}, kStart);
  const auto told = take<server_action::Admission>(session).workstation;
  CHECK(told == (is_visit ? std::nullopt : std::optional(UniqueId{5, 6})));
}

TEST_CASE("what a client says of coming back is there at the admission, a visit's is not") {
  const bool is_visit = GENERATE(false, true);
  auto session = fresh_server();
  auto hello = username(is_visit);
  hello.resumable = true;
  hello.resume = SessionId{7};
  hello.secret = UniqueId{8, 9};
  hello.heard = 42;
  session.on_message(hello, kStart);
  session.on_message(Project{"Moria's Race"}, kStart);
  const auto admission = take<server_action::Admission>(session);
  CHECK(admission.resumable == !is_visit);
  CHECK(admission.resume == (is_visit ? std::nullopt : std::optional(SessionId{7})));
  CHECK(admission.secret == UniqueId{8, 9});
  CHECK(admission.heard == 42);
}

TEST_CASE("a session is lost where its connection is, and nowhere else") {
  const auto how = [](std::size_t step, const std::function<void(ServerSession&)>& end) {
    auto session = server_at(step);
    end(session);
    return take<server_action::Closed>(session).is_lost;
  };
  for (std::size_t step = 0; step < server_steps().size(); ++step) {
    INFO(server_steps()[step].name);
    CHECK(how(step, [](auto& s) { s.on_disconnected({Outcome::interrupted, "reset"}); }));
    CHECK(how(step, [](auto& s) {
      s.on_time(kStart + 1h);  // The heartbeat, where there are any.
      s.on_time(kStart + 2h);
    }));
    CHECK(how(step, [](auto& s) { s.on_message(Bye{Outcome::timed_out, "silence"}, kStart); }));
    CHECK_FALSE(how(step, [](auto& s) { s.on_message(Bye{Outcome::done, "home"}, kStart); }));
    CHECK_FALSE(how(step, [](auto& s) { s.on_garbage({Outcome::usage, "garbage"}); }));
    CHECK_FALSE(how(step, [](auto& s) { s.close(Outcome::superseded, "joined again"); }));
  }
}

TEST_CASE("a session is replaced in any step: it says so last") {
  for (std::size_t step = 0; step < server_steps().size(); ++step) {
    INFO(server_steps()[step].name);
    auto session = server_at(step);
    drain(session);
    session.close(Outcome::superseded, "the same workstation joined again");
    const Words last = drain(session);
    REQUIRE(last.size() >= 2);
    CHECK(last[last.size() - 2] == "send bye");
    CHECK(last.back() == "closed superseded");
    CHECK(session.is_over());
  }
}

TEST_CASE("a wrong project is told so and nobody is asked to admit") {
  auto session = server_at(server_step("awaiting project"));
  session.on_message(Project{"moria's race"}, kStart);
  CHECK(drain(session) == Words{"send wrong_project", "closed refused"});
  CHECK_FALSE(session.is_joined());
}

TEST_CASE("a ticket as the first message makes the connection a transfer's") {
  auto session = fresh_server();
  session.on_message(Ticket{{1, 2}}, kStart);
  CHECK(take<server_action::TicketShown>(session).ticket == UniqueId{1, 2});
  CHECK(session.is_over());
  session.on_disconnected({Outcome::interrupted, "gone"});
  CHECK_FALSE(session.next_action());
}

TEST_CASE("the clock offset is measured at half of the round trip") {
  for (const std::int64_t ahead_ms : {0, 3'600'000, -3'600'000}) {
    auto session = fresh_server();
    auto hello = username();
    // The server's clock stands at 1,000,000 ms at the start and the client reads its own 100 ms later.
    hello.clock = {1'000'100 + ahead_ms};
    session.on_message(hello, kStart + 200ms);
    session.on_message(Project{"Moria's Race"}, kStart + 300ms);
    CHECK(take<server_action::Admission>(session).clock_offset.count() == -ahead_ms);
  }
}

TEST_CASE("an absurd clock gives a bounded offset") {
  for (const auto clock :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    auto session = fresh_server();
    auto hello = username();
    hello.clock = {clock};
    session.on_message(hello, kStart);
    session.on_message(Project{"Moria's Race"}, kStart);
    const auto offset = take<server_action::Admission>(session).clock_offset.count();
    CHECK(std::abs(offset) <= (std::int64_t{1} << 48) + 1'000'000);
  }
}

TEST_CASE("the welcome carries the limits the session keeps") {
  auto session = server_at(server_step("awaiting admission"));
  session.admit({.session = {77}, .name = "rigging", .clock = {1}});
  const auto sent = std::get<Welcome>(take<server_action::Send>(session).message);
  CHECK(sent.frame_max == kFrameMax);
  CHECK(sent.heartbeat == 18'000ms);
  CHECK(sent.silence == 45'000ms);
}

TEST_CASE("a winner is sent with its document only to who cannot have it") {
  struct Case {
    bool claimed;
    std::uint64_t base;
    bool won;
    std::uint64_t revision;
    bool is_sent;
  };
  const Case cases[] = {{true, 3, false, 4, true},   {true, 3, true, 4, true},   {true, 4, false, 4, true},
                        {false, 4, false, 4, false}, {false, 3, false, 4, true}, {false, 0, false, 0, false}};
  for (const auto& c : cases) {
    INFO("claimed=" << c.claimed << " base=" << c.base << " won=" << c.won << " revision=" << c.revision);
    auto session = server_at(server_step("awaiting claim of story"));
    auto claim = document_claim(DocumentRecord::story);
    claim.base = c.base;
    if (!c.claimed) claim.document = nullptr;
    session.on_message(claim, kStart);
    drain(session);
    auto state = document_state(DocumentRecord::story);
    state.won = c.won;
    state.revision = c.revision;
    session.settle(state);
    CHECK(drain(session) == Words{c.is_sent ? "send story with document" : "send story"});
  }
}

TEST_CASE("a join that hangs on the server's own disk ends by its limit and says so") {
  auto session = server_at(server_step("awaiting winner of assets"));
  session.on_time(kStart + kHandshakeLimit);
  CHECK(reason_of_end(session) ==
        "the join took longer than 10 s, waiting for the server's decision of assets");
  session.settle(all_assets());
  CHECK_FALSE(session.next_action());
}

TEST_CASE("asks are delivered in order, answered in any, and no answer is sent in the client's turn") {
  auto session = in_clients_turn();
  for (const AskId id : {5u, 3u, 9u}) session.on_message(UsersAsk{id}, kStart);
  CHECK(drain(session) == Words{"asked users 5", "asked users 3", "asked users 9"});
  session.answer(Ok{9, {}});
  session.answer(Ok{5, {}});
  CHECK(drain(session).empty());
  CHECK_FALSE(session.may_tell());
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"send ok re=9", "send ok re=5", "turn taken"});
  session.answer(Ok{3, {}});
  CHECK(drain(session) == Words{"send ok re=3"});
  CHECK(session.unanswered() == 0);
}

TEST_CASE("an answer still worked on does not hold the turn") {
  auto session = in_clients_turn();
  session.on_message(UsersAsk{1}, kStart);
  session.on_message(Yours{}, kStart);
  session.on_message(TurnRequest{}, kStart);
  CHECK(drain(session) == Words{"turn taken", "send yours", "asked users 1"});
  session.answer(Ok{1, {}});
  CHECK(drain(session).empty());
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"send ok re=1", "turn taken"});
}

TEST_CASE("an id may be used again once it is answered, and not before") {
  auto session = in_clients_turn();
  session.on_message(UsersAsk{1}, kStart);
  drain(session);
  session.on_message(Yours{}, kStart);
  session.answer(Ok{1, {}});
  session.on_message(TurnRequest{}, kStart);
  drain(session);
  session.on_message(UsersAsk{1}, kStart);
  CHECK(drain(session) == Words{"asked users 1"});
  session.on_message(StatusAsk{1}, kStart);
  CHECK(reason_of_end(session) == "ask 1 is still unanswered");
}

TEST_CASE("256 asks may be unanswered and not one more, in however many turns") {
  auto session = in_clients_turn();
  for (AskId id = 0; id < 256; ++id) {
    session.on_message(AtAsk{id, ""}, kStart);
    CHECK(drain(session).size() == 1);
    if (id == 100) {
      session.on_message(Yours{}, kStart);
      session.on_message(TurnRequest{}, kStart);
      CHECK(drain(session) == Words{"turn taken", "send yours"});
    }
  }
  CHECK(session.unanswered() == 256);
  session.on_message(AtAsk{256, ""}, kStart);
  CHECK(drain(session) == Words{"send bye", "closed refused"});
}

TEST_CASE("documents and items unanswered at once are bounded together") {
  auto session = in_clients_turn();
  session.on_message(write_of(1, kFrameMax - 1), kStart);
  session.on_message(write_of(2, kFrameMax - 20 * KiB), kStart);
  AssetsChange change{3, {}};
  for (int i = 0; i < 20; ++i) change.items["/dev/chr/" + std::to_string(i)] = Timestamp{i};
  session.on_message(change, kStart);
  CHECK_FALSE(session.is_over());
  session.on_message(write_of(4, 2), kStart);
  CHECK(session.is_over());
  CHECK(reason_of_end(session) == "more than 32.0 MiB of documents and items are unanswered");
}

TEST_CASE("an answered write makes room for the next") {
  auto session = in_clients_turn();
  for (AskId id = 0; id < 10; ++id) {
    session.on_message(write_of(id, kFrameMax), kStart);
    CHECK(drain(session) == Words{"asked story " + std::to_string(id)});
    session.answer(Ok{id, {}});
  }
  CHECK_FALSE(session.is_over());
}

TEST_CASE("asks wait undelivered while many answers wait for the turn") {
  auto session = in_clients_turn();
  std::size_t delivered = 0;
  for (AskId id = 0; id < 100; ++id) session.on_message(UsersAsk{id}, kStart);
  const auto answer_all = [&] {
    std::size_t sent = 0;
    while (const auto action = session.next_action()) {
      if (const auto* answers = std::get_if<server_action::SendEncoded>(&*action))
        sent += messages_of(answers->frame).size();
      if (const auto* asked = std::get_if<server_action::Asked>(&*action)) {
        CHECK(std::get<UsersAsk>(*asked->ask).id == delivered++);
        session.answer(
            Users{.re = std::get<UsersAsk>(*asked->ask).id, .full = true, .users = {}, .left = {}});
      }
    }
    return sent;
  };
  CHECK(answer_all() == 0);
  CHECK(delivered == kAnswersHeld);
  session.on_message(Yours{}, kStart);
  CHECK(answer_all() == 100);
  CHECK(delivered == 100);
}

TEST_CASE("a client that is given the turn for nothing and gives it back tells how long the way is") {
  auto session = in_clients_turn();
  session.on_message(Yours{}, kStart);
  drain(session);
  session.ping(kStart + 1ms);
  CHECK(drain(session) == Words{"send yours"});
  CHECK_FALSE(session.may_tell());
  session.on_message(Yours{Timestamp{1'000'000}}, kStart + 5ms);
  const auto told = take<server_action::ClockTold>(session);
  CHECK(told.is_ping);
  CHECK(told.round_trip == Duration(4ms));
  // One who has something to say is no measure.
  session.on_message(TurnRequest{}, kStart + 6ms);
  session.on_message(UsersAsk{1}, kStart + 8ms);
  session.on_message(Yours{Timestamp{1'000'000}}, kStart + 9ms);
  const auto spoken = take<server_action::ClockTold>(session);
  CHECK_FALSE(spoken.is_ping);
  CHECK(spoken.round_trip == Duration(3ms));
}

TEST_CASE("an unknown verb that asks is answered with an error in the server's turn") {
  auto session = in_clients_turn();
  session.on_message(UnknownAsk{"levitate", 13}, kStart);
  CHECK(drain(session).empty());
  session.on_message(Yours{}, kStart);
  const auto answers = messages_of(take<server_action::SendEncoded>(session).frame);
  REQUIRE(answers.size() == 1);
  const auto& error = std::get<ErrorAnswer>(answers[0]);
  CHECK(error.re == 13);
  CHECK(error.outcome == Outcome::usage);
  CHECK(error.text == "unknown verb \"levitate\"");
}

TEST_CASE("tells go out in the server's turn, in order, encoded or not") {
  auto session = in_servers_turn();
  session.tell(AtTell{});
  session.tell(encode(ServerMessage{TransferOver{}}));
  session.tell(Give{});
  CHECK(drain(session) == Words{"send at", "send encoded", "send give"});
  session.on_message(TurnRequest{}, kStart);
  CHECK(drain(session) == Words{"send yours"});
  CHECK_FALSE(session.may_tell());
}

TEST_CASE(
    "who does not wait for the turn speaks in it, and has heard what was told when he asks for the next") {
  auto session = in_servers_turn();
  session.on_message(TurnRequest{.speaks = true}, kStart);
  session.on_message(UsersAsk{1}, kStart);
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"send yours", "turn taken, unheard", "asked users 1"});
  CHECK(session.may_tell());
  session.on_message(TurnRequest{.speaks = true}, kStart);
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"heard", "send yours", "turn taken, unheard"});
  // Who waits has heard it all.
  session.on_message(TurnRequest{}, kStart);
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"heard", "send yours", "turn taken"});
  // One that crosses the server's yours was not said to that.
  session.on_time(kStart + kHeartbeat);
  session.on_message(TurnRequest{.speaks = true}, kStart + kHeartbeat);
  session.on_message(Yours{}, kStart + kHeartbeat);
  CHECK(drain(session) == Words{"send yours", "turn taken, unheard"});
}

TEST_CASE("nothing is told between turns that were taken and are still to be noted") {
  auto session = in_servers_turn();
  session.on_message(TurnRequest{}, kStart);
  session.on_message(Yours{}, kStart);
  session.on_message(TurnRequest{.speaks = true}, kStart);
  session.on_message(Yours{}, kStart);
  CHECK_FALSE(session.may_tell());
  std::vector<bool> may;
  while (const auto action = session.next_action()) {
    if (std::holds_alternative<server_action::TurnTaken>(*action)) may.push_back(session.may_tell());
  }
  CHECK(may == std::vector<bool>{false, true});
}

TEST_CASE("the clock of a client that never waits is measured once a minute") {
  auto session = in_servers_turn();
  const auto speak = [&](Instant now) {
    session.on_message(TurnRequest{.speaks = true}, now);
    session.on_message(Yours{}, now);
    return drain(session);
  };
  CHECK(speak(kStart + 59s) == Words{"send yours", "turn taken, unheard"});
  CHECK(speak(kStart + 60s) == Words{"heard", "send yours", "turn taken, unheard", "send yours"});
  CHECK_FALSE(session.may_tell());
  session.on_message(Yours{Timestamp{1'000'000}}, kStart + 60s + 4ms);
  const auto told = take<server_action::ClockTold>(session);
  CHECK(told.round_trip == Duration(4ms));
  CHECK(told.is_ping);
  CHECK(drain(session) == Words{"turn taken"});
  CHECK(speak(kStart + 61s) == Words{"send yours", "turn taken, unheard"});
}

TEST_CASE("the yours of who does not wait is no answer to the server's: no time is taken from it") {
  auto session = in_servers_turn();
  session.on_message(TurnRequest{.clock = Timestamp{1'000'000}, .speaks = true}, kStart);
  CHECK_FALSE(take<server_action::ClockTold>(session).round_trip);
  session.on_message(Yours{Timestamp{1'000'001}}, kStart + 1ms);
  const auto told = take<server_action::ClockTold>(session);
  CHECK_FALSE(told.round_trip);
  CHECK_FALSE(told.is_ping);
}

TEST_CASE("a request that crosses the server's yours is ignored") {
  auto session = in_servers_turn();
  session.on_time(kStart + kHeartbeat);
  CHECK(drain(session) == Words{"send yours"});
  session.on_message(TurnRequest{}, kStart + kHeartbeat);
  CHECK(drain(session).empty());
  session.on_message(Yours{}, kStart + kHeartbeat);
  CHECK(drain(session) == Words{"turn taken"});
}

TEST_CASE("an idle session costs one empty turn each way every 18 s") {
  auto session = in_servers_turn();
  auto now = kStart;
  for (int beat = 0; beat < 10; ++beat) {
    CHECK(session.next_deadline() == now + kHeartbeat);
    now += kHeartbeat;
    session.on_time(now);
    CHECK(drain(session) == Words{"send yours"});
    session.on_message(Yours{}, now);
    CHECK(drain(session) == Words{"turn taken"});
  }
}

TEST_CASE("a client that is gone is noticed though it is told something every second") {
  auto session = in_servers_turn();
  auto now = kStart;
  while (!session.is_over() && now < kStart + 2min) {
    now += 1s;
    session.on_time(now);
    if (session.may_tell()) session.tell(AtTell{});
    while (session.next_action()) {
    }
  }
  CHECK(now == kStart + kSilenceLimit);
}

TEST_CASE("a large frame on a slow wire is not silence") {
  auto session = in_clients_turn();
  for (int i = 1; i <= 20; ++i) {
    session.on_progress(kStart + i * 10s);
    session.on_time(kStart + i * 10s);
  }
  CHECK_FALSE(session.is_over());
  CHECK(session.next_deadline() == kStart + 200s + kSilenceLimit);
}

TEST_CASE("progress does not prolong a join") {
  auto session = server_at(server_step("awaiting project"));
  session.on_progress(kStart + 9s);
  CHECK(session.next_deadline() == kStart + kHandshakeLimit);
}

TEST_CASE(
    "who has no key where one is asked for may show a ticket and is refused all else, without a greeting") {
  for (const auto& message : every_client_message()) {
    INFO(verb_of(message) << " (" << message.index() << ")");
    auto session = fresh_server();
    session.require_key();
    session.on_message(ClientMessage(message), kStart);
    const Words words = drain(session);
    if (std::holds_alternative<Ticket>(message)) {
      CHECK(words == Words{"ticket"});
    } else if (std::holds_alternative<Bye>(message)) {
      CHECK(words.size() == 1);
    } else {
      CHECK(words == Words{"send bye", "closed refused"});
    }
    CHECK(session.is_over());
  }
}

}  // namespace callboard::protocol::server_session_test
