#include <catch2/catch.hpp>
#include <memory>

#include "tests/scripted/script.h"

namespace callboard::protocol::client_session_test {
using namespace script;

namespace {

ClientSession listening() { return client_at(client_step("awaiting news")); }

DocumentWrite write_of(std::uint64_t size_bytes) {
  return {DocumentRecord::story, 0, {1}, 0, {1, 1}, std::make_shared<const std::string>(size_bytes, ' ')};
}

}  // namespace

TEST_CASE("a join follows its script on the client") {
  auto session = fresh_client();
  const std::vector<Words> expected = {
      {},
      {"send username"},
      {"send project"},
      {"admitted rigging (2)"},
      {"wanted story"},
      {"send story"},
      {"settled story", "send ok"},
      {"wanted assets"},
      {"send assets"},
      {"settled assets", "send ok"},
      {"wanted analytics"},
      {"send analytics"},
      {"settled analytics", "send ok"},
      {"joined", "send yours"},
      {"send turn?", "send users id=1", "send yours"},
  };
  REQUIRE(expected.size() == client_steps().size());
  for (std::size_t step = 0; step < expected.size(); ++step) {
    INFO(client_steps()[step].name);
    client_steps()[step].enter(session, kStart);
    CHECK(drain(session) == expected[step]);
  }
}

TEST_CASE("a visiting client goes from welcome to its first turn, and asks in it") {
  auto session = fresh_client(true);
  session.ask(MessageAsk{0, "hello", {1, 1}}, kStart);
  session.on_message(Greeting{1, "callboard", {7, 8}}, kStart);
  session.on_message(ProjectQuestion{}, kStart);
  session.on_message(welcome(), kStart);
  CHECK(drain(session) == Words{"send username", "send project", "admitted rigging (2)"});
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"joined", "send message id=1", "send yours"});
}

TEST_CASE("the client tells its clock as it is when it is asked") {
  auto session = fresh_client();
  session.on_message(Greeting{1, "callboard", {7, 8}}, kStart + 1500ms);
  const auto action = session.next_action();
  const auto& hello = std::get<Username>(std::get<client_action::Send>(*action).message);
  CHECK(hello.clock == Timestamp{2'001'500});
  CHECK(hello.name == "rigging");
  CHECK(hello.host == "pc7");
  CHECK(hello.shares);
}

TEST_CASE("a client that comes back says as which session, and one that does not says nothing of it") {
  const bool comes_back = GENERATE(true, false);
  ClientIdentity identity;
  identity.name = "rigging";
  identity.project = "Moria's Race";
  identity.resumable = true;
  identity.heard = 42;
  if (comes_back) identity.resume = {SessionId{7}, UniqueId{8, 9}};
  ClientSession session(identity, kStart);
  session.on_message(Greeting{1, "callboard", {7, 8}}, kStart);
  const auto action = session.next_action();
  const auto& hello = std::get<Username>(std::get<client_action::Send>(*action).message);
  CHECK(hello.resumable);
  CHECK(hello.resume == (comes_back ? std::optional(SessionId{7}) : std::nullopt));
  CHECK(hello.secret == (comes_back ? std::optional(UniqueId{8, 9}) : std::nullopt));
  CHECK(hello.heard == (comes_back ? 42 : 0));
}

TEST_CASE("another version of the protocol is refused by its number") {
  auto session = fresh_client();
  session.on_message(Greeting{2, "callboard", {7, 8}}, kStart);
  CHECK(reason_of_end(session) == "the server speaks version 2 of the protocol, expected 1");
}

TEST_CASE("a wrong project is heard as a refusal and then the end") {
  auto session = client_at(client_step("awaiting welcome"));
  session.on_message(WrongProject{"Moria's Race"}, kStart);
  CHECK(drain(session) == Words{"refused", "closed refused"});
}

TEST_CASE("an ask goes out with the request for its turn, and what comes after it when that turn was given") {
  auto session = listening();
  CHECK(session.ask(UsersAsk{}, kStart) == 1);
  CHECK(session.ask(StatusAsk{}, kStart) == 2);
  CHECK(session.ask(StatusAsk{}, kStart) == 3);
  CHECK(drain(session) == Words{"send turn?", "send users id=1", "send yours"});
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"send turn?", "send status id=2", "send status id=3", "send yours"});
  session.on_message(Yours{}, kStart);
  CHECK(drain(session).empty());
  session.on_message(status_answer(3), kStart);
  session.on_message(status_answer(2), kStart);
  session.on_message(ErrorAnswer{1, Outcome::not_found, "no"}, kStart);
  CHECK(drain(session) == Words{"answered 3 status", "answered 2 status", "answered 1 not_found"});
  CHECK(session.unanswered() == 0);
}

TEST_CASE("what is told of transfers and channels is passed on, in the order it was told") {
  auto session = listening();
  session.on_message(Give{}, kStart);
  session.on_message(ChannelTell{}, kStart);
  session.on_message(TransferOver{}, kStart);
  CHECK(drain(session) == Words{"told give", "told channel", "told transfer"});
  // The same verb is an answer with `re`: to nothing that was asked.
  session.on_message(ChannelGranted{}, kStart);
  CHECK(drain(session).back().starts_with("closed"));
}

TEST_CASE("a heartbeat is answered with an empty turn") {
  auto session = listening();
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"send yours"});
}

TEST_CASE("a heartbeat that crosses a request is the one for it, and not answered; the next one is") {
  auto session = listening();
  session.ask(UsersAsk{}, kStart);
  CHECK(drain(session) == Words{"send turn?", "send users id=1", "send yours"});
  session.on_message(Yours{}, kStart);
  CHECK(drain(session).empty());
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"send yours"});
  session.ask(UsersAsk{}, kStart);
  CHECK(drain(session) == Words{"send turn?", "send users id=2", "send yours"});
}

TEST_CASE("more asks than the server takes wait until answers have come") {
  auto session = listening();
  for (int i = 0; i < 300; ++i) session.ask(AtAsk{}, kStart);
  CHECK(drain(session) == Words{"send turn?", "send at id=1", "send yours"});
  session.on_message(Yours{}, kStart);
  CHECK(drain(session).size() == 1 + 255 + 1);
  session.on_message(Yours{}, kStart);
  CHECK(drain(session).empty());
  session.on_message(Ok{7, {}}, kStart);
  CHECK(drain(session) == Words{"answered 7 ok", "send turn?", "send at id=257", "send yours"});
  session.on_message(Ok{8, {}}, kStart);
  session.on_message(Ok{9, {}}, kStart);
  CHECK(drain(session) == Words{"answered 8 ok", "answered 9 ok"});
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"send turn?", "send at id=258", "send at id=259", "send yours"});
}

TEST_CASE("more documents than the server takes at once wait until answers have come") {
  auto session = listening();
  for (int i = 0; i < 4; ++i) session.ask(write_of(15 * MiB), kStart);
  CHECK(drain(session) == Words{"send turn?", "send story id=1", "send yours"});
  session.on_message(Yours{}, kStart);
  CHECK(drain(session) == Words{"send turn?", "send story id=2", "send yours"});
  session.on_message(Yours{}, kStart);
  CHECK(drain(session).empty());
  session.on_message(Ok{1, {}}, kStart);
  CHECK(drain(session) == Words{"answered 1 ok", "send turn?", "send story id=3", "send yours"});
}

TEST_CASE("a document the server's frames cannot hold is refused at once") {
  auto session = listening();
  session.ask(write_of(kFrameMax), kStart);
  CHECK(drain(session) == Words{"answered 1 refused"});
  CHECK(session.unanswered() == 0);
}

TEST_CASE("a smaller frame limit than ours counts for asks made before the welcome") {
  auto session = client_at(client_step("awaiting welcome"));
  session.ask(write_of(2 * MiB), kStart);
  auto small = welcome();
  small.frame_max = 1 * MiB;
  session.on_message(small, kStart);
  CHECK(drain(session) == Words{"answered 1 refused", "admitted rigging (2)"});
}

TEST_CASE("an ask that is not answered in time is answered here, and its late answer is dropped") {
  auto session = listening();
  session.ask(UsersAsk{}, kStart);
  session.on_message(Yours{}, kStart + 5s);
  drain(session);
  CHECK(session.next_deadline() == kStart + kAskLimit);
  session.on_time(kStart + kAskLimit);
  CHECK(drain(session) == Words{"answered 1 timed_out"});
  session.on_message(Ok{1, {}}, kStart + 31s);
  CHECK(drain(session).empty());
  CHECK_FALSE(session.is_over());
  session.on_message(Ok{1, {}}, kStart + 31s);
  CHECK(reason_of_end(session) == "answered ask 1, which is not asked");
}

TEST_CASE("an ask whose time is over before the turn came is not sent any more") {
  auto session = listening();
  session.ask(UsersAsk{}, kStart);
  session.ask(UsersAsk{}, kStart);
  drain(session);
  session.on_time(kStart + kAskLimit);
  session.ask(StatusAsk{}, kStart + kAskLimit);
  CHECK(drain(session) == Words{"answered 1 timed_out", "answered 2 timed_out"});
  session.on_message(Yours{}, kStart + kAskLimit);
  CHECK(drain(session) == Words{"send turn?", "send status id=3", "send yours"});
}

TEST_CASE("an answer of an unknown kind is an error to who asked, and an error is never done") {
  auto session = listening();
  session.ask(UsersAsk{}, kStart);
  session.ask(UsersAsk{}, kStart);
  session.on_message(Yours{}, kStart);
  drain(session);
  session.on_message(UnknownAnswer{"levitated", 1}, kStart);
  session.on_message(ErrorAnswer{2, Outcome::done, "all is well"}, kStart);
  CHECK(drain(session) == Words{"answered 1 failed", "answered 2 failed"});
}

TEST_CASE("the silence that ends a session is the server's to say, within reason") {
  const std::pair<std::chrono::milliseconds, Duration> cases[] = {
      {45'000ms, 45s}, {0ms, 1s}, {5'000ms, 5s}, {std::chrono::milliseconds::max(), 1h}};
  for (const auto& [told, expected] : cases) {
    auto session = fresh_client(true);
    session.on_message(Greeting{1, "callboard", {7, 8}}, kStart);
    session.on_message(ProjectQuestion{}, kStart);
    auto hello = welcome();
    hello.silence = told;
    session.on_message(hello, kStart);
    session.on_message(Yours{}, kStart);
    CHECK(session.next_deadline() == kStart + expected);
  }
}

}  // namespace callboard::protocol::client_session_test
