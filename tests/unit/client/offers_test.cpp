// What a client offers to be called for.
#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "net/endpoint.h"
#include "protocol/server_asks.h"
#include "tests/unit/client/fake_server.h"

namespace callboard::client::offers_test {
namespace {

using protocol::CalledAsk;
using protocol::CallProgressed;
using protocol::Document;

Document json(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

protocol::CallTell tell(protocol::CallId call) {
  return {call, "open_shot", "rigging", SessionId{9}, 10s, json(R"({"shot":"/s"})")};
}

// A node, and what the server that a test plays hears of it.
struct Node {
  net::Loop loop;
  FakeServer server{loop};
  std::vector<std::string> offers;
  std::vector<CalledAsk> called;
  std::vector<CallProgressed> progress;
  std::vector<std::shared_ptr<OfferedCall>> calls;  // That were handed out, on this thread.
  std::string refused;                              // Why offers are, from now on.
  struct Warned : Listener {
    void on_warning(std::string_view text) override { warning.set(std::string(text)); }
    Answer<std::string> warning;
  } listener;
  std::unique_ptr<Client> client;

  Node() {
    server.secret = UniqueId{1, 2};
    server.on_ask = [this](FakeSession& session, const protocol::ClientMessage& message) {
      if (const auto* offer = std::get_if<protocol::OfferAsk>(&message))
        offers.push_back(*offer->descriptions);
      if (const auto* ask = std::get_if<CalledAsk>(&message)) called.push_back(*ask);
      if (const auto* told = std::get_if<CallProgressed>(&message)) progress.push_back(*told);
      if (std::holds_alternative<protocol::OfferAsk>(message) && !refused.empty()) {
        const protocol::ErrorAnswer answer{*protocol::ask_id_of(message), Outcome::refused, refused};
        return FakeServer::say(session, answer);
      }
      if (const auto id = protocol::ask_id_of(message)) FakeServer::say(session, protocol::Ok{*id, {}});
    };
    Options options;
    options.project = "Moria's Race";
    options.user = "node-7";
    options.server = net::to_text(server.at());
    options.rejoin_pause = 1ms;
    client = std::move(Client::start(options, &listener)).value();
    client->offer(R"([{"name":"open_shot"}])", [this](const std::shared_ptr<OfferedCall>& call) {
      loop.post([this, call] { calls.push_back(call); });
    });
    until([&] { return !offers.empty(); });
  }
  ~Node() {
    calls.clear();
    client->leave();
    bool has_left = false;
    client->left().then([&](const Result<bool>&) { loop.post([&] { has_left = true; }); });
    CHECK(loop.run_until([&] { return has_left; }, kTestLimit));
  }
  void until(const std::function<bool()>& condition) { REQUIRE(loop.run_until(condition, kTestLimit)); }
  std::shared_ptr<OfferedCall> given(protocol::CallId call) {
    FakeServer::say(*server.sessions().back(), tell(call));
    const std::size_t before = calls.size();
    until([&] { return calls.size() > before; });
    return calls.back();
  }
};

}  // namespace

TEST_CASE("a call that is given to a client is answered from whichever thread, once") {
  Node node;
  const auto call = node.given(7);
  CHECK(call->name() == "open_shot");
  CHECK(call->by() == "rigging");
  CHECK(call->arguments() == R"({"shot":"/s"})");
  CHECK(call->time_left() > Duration::zero());
  std::thread worker([&] {
    call->answer(std::string("\"open\""));
    call->answer(Error{Outcome::failed, "too late"});
  });
  worker.join();
  node.until([&] { return node.called.size() == 1; });
  CHECK(node.called[0].call == 7);
  CHECK(node.called[0].outcome == Outcome::done);
  CHECK(*node.called[0].value == "\"open\"");
  CHECK(call->is_over());
  node.given(8)->answer(Error{Outcome::locked, "in use"});
  node.until([&] { return node.called.size() == 2; });
  CHECK(node.called[1].outcome == Outcome::locked);
  CHECK(node.called[1].text == "in use");
}

TEST_CASE("a call that nobody answers is answered when it is dropped") {
  Node node;
  node.given(7).reset();
  node.calls.clear();
  node.until([&] { return node.called.size() == 1; });
  CHECK(node.called[0].outcome == Outcome::failed);
}

TEST_CASE("how far a call is, is told before its answer") {
  Node node;
  const auto call = node.given(7);
  call->progress("50");
  node.until([&] { return node.progress.size() == 1; });
  CHECK(node.progress[0].call == 7);
  CHECK(*node.progress[0].value == "50");
  CHECK(node.called.empty());
}

TEST_CASE("a call that nobody waits for any more is over, and what comes of it is not said") {
  Node node;
  const auto call = node.given(7);
  FakeServer::say(*node.server.sessions().back(), protocol::CallCancelTell{7});
  while (!call->is_over()) {
    const auto next = node.given(8);
    next->answer(std::string("1"));
  }
  call->answer(std::string("\"open\""));
  node.given(9)->answer(std::string("9"));
  node.until([&] { return !node.called.empty() && node.called.back().call == 9; });
  for (const CalledAsk& each : node.called) CHECK(each.call != 7);
}

TEST_CASE("after a lost connection what was offered is offered again, and what was given is over") {
  Node node;
  const auto call = node.given(7);
  node.server.sessions().back()->connection.reset();
  node.until([&] { return node.offers.size() == 2; });
  CHECK(node.offers[1] == node.offers[0]);
  CHECK(call->is_over());
  node.given(1)->answer(std::string("true"));
  node.until([&] { return node.called.size() == 1; });
  CHECK(node.called[0].call == 1);
}

TEST_CASE("an offer that is refused after a lost connection is told, as nobody waits for its answer") {
  Node node;
  node.refused = "\"open_shot\" is there already";
  std::string warning;
  node.listener.warning.then(
      [&](const Result<std::string>& told) { node.loop.post([&warning, told] { warning = told.value(); }); });
  node.server.sessions().back()->connection.reset();
  node.until([&] { return !warning.empty(); });
  CHECK(warning == "what is offered to be called: \"open_shot\" is there already");
}

TEST_CASE("a call that outlives its client is over, and asks nothing of anybody") {
  std::shared_ptr<OfferedCall> call;
  {
    Node node;
    call = node.given(7);
  }
  CHECK(call->is_over());
  call->progress("50");
  call->answer(std::string("1"));
}

}  // namespace callboard::client::offers_test
