#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <utility>

#include "base/limits.h"
#include "protocol/client_asks.h"
#include "protocol/server_asks.h"
#include "tests/scripted/script.h"

namespace callboard::protocol::asks_test {
using namespace script;

// As a session hands it in.
template <class Ask>
std::shared_ptr<ClientMessage> kept(Ask ask) {
  return std::make_shared<ClientMessage>(std::move(ask));
}

TEST_CASE("ids of asks count up from one and are written into the message") {
  ClientAsks asks;
  CHECK(asks.add(UsersAsk{99}, kStart) == 1);
  CHECK(asks.add(GetAsk{}, kStart) == 2);
  const auto sent = asks.take_sendable();
  REQUIRE(sent.size() == 2);
  CHECK(ask_id_of(sent[0]) == AskId{1});
  CHECK(ask_id_of(sent[1]) == AskId{2});
}

TEST_CASE("what is no ask has no id and what is no answer answers nothing") {
  std::set<std::size_t> asks;
  for (const auto& message : every_client_message()) {
    if (ask_id_of(message)) asks.insert(message.index());
  }
  CHECK(asks.size() == 29);
  CHECK_FALSE(answered_id_of(ServerMessage{Assets{}}));
  CHECK_FALSE(answered_id_of(ServerMessage{Yours{}}));
  CHECK(answered_id_of(ServerMessage{Ok{7, {}}}) == AskId{7});
}

TEST_CASE("every ask is interrupted once, whether it was sent, is queued or was answered before") {
  ClientAsks asks;
  const auto answered = asks.add(UsersAsk{}, kStart);
  const auto sent = asks.add(UsersAsk{}, kStart);
  asks.take_sendable();
  const auto queued = asks.add(UsersAsk{}, kStart);
  REQUIRE(asks.on_answer(Ok{answered, {}}));
  const auto answers = asks.interrupt("gone");
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].id == sent);
  CHECK(answers[1].id == queued);
  CHECK(answers[1].answer.error().text == "gone");
  CHECK(asks.interrupt("gone").empty());
  CHECK_FALSE(asks.next_deadline());
}

TEST_CASE("an answer that comes too late tells of the document all the same when it is one to a write") {
  ClientAsks asks;
  const auto read = asks.add(DocumentRead{}, kStart);
  const auto write = asks.add(DocumentWrite{}, kStart);
  asks.take_sendable();
  CHECK(asks.on_time(kStart + kAskLimit).size() == 2);
  DocumentState state;
  state.re = read;
  state.revision = 7;
  // It may be of a part, or of long ago.
  const auto to_read = asks.on_answer(state);
  REQUIRE(to_read);
  CHECK_FALSE(*to_read);
  state.re = write;
  const auto to_write = asks.on_answer(state);
  REQUIRE(to_write);
  REQUIRE(*to_write);
  const auto told = std::get<DocumentState>(std::get<client_action::Told>(**to_write).message);
  CHECK(told.revision == 7);
  CHECK_FALSE(told.re);
}

TEST_CASE("an item of a change weighs a KiB, a document its size, and anything else nothing") {
  AssetsChange change;
  change.items = {{"/pln", Timestamp{1}}, {"/dev/chr/Moria", std::nullopt}};
  CHECK(weight_bytes(change) == 2048);
  CHECK(weight_bytes(DocumentWrite{{}, 0, {}, 0, {}, std::make_shared<const std::string>("[1]")}) == 3);
  CHECK(weight_bytes(CallAsk{1, "ping", {}, {}, std::make_shared<const std::string>("[12]")}) == 4);
  CHECK(weight_bytes(UsersAsk{}) == 0);
}

TEST_CASE(
    "answers wait within so many bytes: beyond them asks are not delivered, and results of calls not kept") {
  const auto text = [](std::uint64_t size) { return std::make_shared<const std::string>(size, ' '); };
  const auto answer = [&](AskId re, std::uint64_t size) { return EncodedAnswer{re, {text(size), nullptr}}; };
  ServerAsks asks;
  for (AskId id = 1; id <= 4; ++id) REQUIRE(asks.on_ask(kept(DocumentRead{.id = id})));
  REQUIRE(asks.on_ask(kept(CallAsk{5, "review.list"})));
  // Each may be of the largest size, and there is room for two.
  CHECK(asks.next());
  CHECK(asks.next());
  CHECK_FALSE(asks.next());
  asks.hold(answer(1, 100));
  CHECK_FALSE(asks.next());
  asks.hold(answer(2, kFrameMax - 100));
  CHECK(asks.next());
  CHECK_FALSE(asks.next());
  asks.hold(answer(3, kFrameMax));
  CHECK_FALSE(asks.next());
  // Not while it is only on its way out, either.
  const auto out = asks.take_held();
  REQUIRE(out.size() == 3);
  CHECK_FALSE(asks.next());
  asks.on_sent(out[0]);
  CHECK_FALSE(asks.next());
  asks.on_sent(out[1]);
  const auto fourth = asks.next();
  REQUIRE(fourth);
  CHECK(ask_id_of(*fourth) == AskId{4});
  CHECK(asks.next());
  asks.hold(answer(4, kFrameMax));
  asks.hold(ServerMessage(CallResult{5, text(1000)}));
  const auto held = asks.take_held();
  REQUIRE(held.size() == 2);
  const auto refusal = std::get<ErrorAnswer>(messages_of(held.back()).at(0));
  CHECK(refusal.outcome == Outcome::interrupted);
  CHECK(refusal.text ==
        "the call was done, but its result is not kept: answers of 32.0 MiB wait for you to read them; then "
        "ask "
        "again by the same op");
}

TEST_CASE(
    "answers go out in the order in which they were given, small ones together and each large one with "
    "them") {
  const auto text = [](std::size_t size) { return std::make_shared<const std::string>(size, '1'); };
  const Document large = text(1025);
  ServerAsks asks;
  for (AskId id = 1; id <= 6; ++id) {
    REQUIRE(asks.on_ask(kept(CallAsk{id, "review.list"})));
    REQUIRE(asks.next());
  }
  asks.hold(ServerMessage(CallResult{2, text(1024)}));
  asks.hold(ServerMessage(Ok{1, {}}));
  asks.hold(ServerMessage(CallResult{3, large}));
  asks.hold(ServerMessage(CallResult{6, text(1)}));
  asks.hold(EncodedAnswer{4, encode(ServerMessage(CallList{4, text(2)}))});
  asks.hold(ServerMessage(Ok{5, {}}));
  const auto out = asks.take_held();
  REQUIRE(out.size() == 4);
  CHECK(out[0].attachment == large);
  std::vector<AskId> order;
  for (const EncodedFrame& frames : out) {
    for (const ServerMessage& answer : messages_of(frames)) order.push_back(*answered_id_of(answer));
  }
  CHECK(order == std::vector<AskId>{2, 1, 3, 6, 4, 5});
  CHECK(asks.unanswered() == 0);
  CHECK(asks.take_held().empty());
}

TEST_CASE("long lists are not put together: who does not read is given one after the other") {
  Messages list{.re = 1, .messages = {}};
  list.messages.push_back({1, "rigging", std::string(16 * KiB, 'x'), Timestamp{1}});
  ServerAsks asks;
  for (AskId id = 1; id <= 3; ++id) {
    REQUIRE(asks.on_ask(kept(MessagesAsk{id, 0})));
    REQUIRE(asks.next());
    list.re = id;
    asks.hold(ServerMessage(list));
  }
  CHECK(asks.take_held().size() == 3);
}

TEST_CASE("an id may come again once its answer was taken, and not before, in whatever order ids come") {
  ServerAsks asks;
  for (const AskId id : {AskId{7}, AskId{3}, AskId{5}}) REQUIRE(asks.on_ask(kept(UsersAsk{id})));
  for (const AskId id : {AskId{7}, AskId{3}, AskId{5}}) {
    CHECK_FALSE(asks.on_ask(kept(UsersAsk{id})));
    CHECK(ask_id_of(*asks.next()) == id);
  }
  asks.hold(ServerMessage(Ok{3, {}}));
  CHECK_FALSE(asks.on_ask(kept(UsersAsk{3})));
  CHECK(asks.take_held().size() == 1);
  CHECK(asks.on_ask(kept(UsersAsk{3})));
  CHECK(asks.unanswered() == 3);
}

TEST_CASE("a call is waited for as long as it may take, whatever is asked before and after it") {
  ClientAsks asks;
  const auto night = asks.add(CallAsk{0, "render", {}, 10h}, kStart);
  const auto users = asks.add(UsersAsk{}, kStart);
  const auto usual = asks.add(CallAsk{0, "ping"}, kStart);
  asks.take_sendable();
  CHECK(asks.next_deadline() == kStart + kAskLimit);
  const auto first = asks.on_time(kStart + kAskLimit);
  REQUIRE(first.size() == 1);
  CHECK(first[0].id == users);
  const auto second = asks.on_time(kStart + kCallDeadline + kCallPatience);
  REQUIRE(second.size() == 1);
  CHECK(second[0].id == usual);
  CHECK(second[0].answer.error().text == "no answer within 40 s");
  CHECK(asks.on_time(kStart + 10h).empty());
  const auto last = asks.on_time(kStart + 10h + kCallPatience);
  REQUIRE(last.size() == 1);
  CHECK(last[0].id == night);
  CHECK_FALSE(asks.next_deadline());
}

TEST_CASE(
    "how far a call is, is said in the client's turn before what it asks, the newest of each, and hears no "
    "answer") {
  auto client = client_at(client_step("awaiting news"));
  client.tell({7, std::make_shared<const std::string>("1")});
  CHECK(drain(client) == Words{"send turn?", "send progress", "send yours"});
  client.tell({7, std::make_shared<const std::string>("2")});
  client.tell({7, std::make_shared<const std::string>("3")});
  client.ask(UsersAsk{}, kStart);
  client.on_message(Yours{}, kStart);
  CHECK(drain(client) == Words{"send turn?", "send progress", "send users id=1", "send yours"});
  client.on_message(Yours{}, kStart);
  CHECK(drain(client).empty());
  client.on_message(Yours{}, kStart);
  CHECK(drain(client) == Words{"send yours"});

  auto server = server_at(server_step("awaiting yours"));
  server.on_message(CallProgressed{7, std::make_shared<const std::string>("2")}, kStart);
  CHECK(drain(server) == Words{"reported 7"});
  CHECK(server.unanswered() == 0);
  server.on_message(Yours{}, kStart);
  CHECK(drain(server) == Words{"turn taken"});
}

}  // namespace callboard::protocol::asks_test
