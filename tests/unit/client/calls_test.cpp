// Calls of a whole client, and through an agent.
#include <catch2/catch.hpp>

#include <mutex>
#include <string>
#include <vector>

#include "base/limits.h"
#include "client/client.h"
#include "net/endpoint.h"
#include "tests/unit/client/fake_server.h"

namespace callboard::client::calls_test {
namespace {

using protocol::Document;

Document json(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

// A client, the server that a test plays, and the calls that arrived there.
struct Phone {
  net::Loop loop;
  FakeServer server{loop};
  std::vector<protocol::CallAsk> calls;
  std::vector<protocol::CallCancelAsk> cancels;
  std::unique_ptr<Client> client;

  Phone() {
    server.secret = UniqueId{1, 2};
    server.on_ask = [this](FakeSession& session, const protocol::ClientMessage& message) {
      if (const auto* cancel = std::get_if<protocol::CallCancelAsk>(&message)) cancels.push_back(*cancel);
      if (const auto* call = std::get_if<protocol::CallAsk>(&message)) {
        calls.push_back(*call);
        if (on_call) on_call(session, *call);
      }
    };
    Options options;
    options.project = "Moria's Race";
    options.user = "rigging";
    options.server = net::to_text(server.at());
    options.rejoin_pause = 1ms;
    client = std::move(Client::start(options, nullptr)).value();
  }
  ~Phone() {
    client->leave();
    bool has_left = false;
    client->left().then([&](const Result<bool>&) { loop.post([&] { has_left = true; }); });
    CHECK(loop.run_until([&] { return has_left; }, kTestLimit));
  }
  template <class T>
  Result<T> wait(const Answer<T>& answer) {
    bool has_come = false;
    answer.then([&](const Result<T>&) { loop.post([&] { has_come = true; }); });
    REQUIRE(loop.run_until([&] { return has_come; }, kTestLimit));
    return answer.get();
  }
  void until(const std::function<bool()>& condition) { REQUIRE(loop.run_until(condition, kTestLimit)); }

  std::function<void(FakeSession&, const protocol::CallAsk&)> on_call;
};

}  // namespace

TEST_CASE("a call says its name, its arguments and how long it may take, and answers with the result") {
  Phone phone;
  phone.on_call = [](FakeSession& session, const protocol::CallAsk& call) {
    FakeServer::say(session, protocol::CallResult{call.id, json("[1]")});
  };
  CallOptions options;
  options.deadline = 1500us;
  options.op = UniqueId{3, 4};
  CHECK(phone.wait(phone.client->call("open_shot", R"({"shot":"/s"})", options)).value() == "[1]");
  REQUIRE(phone.calls.size() == 1);
  CHECK(phone.calls[0].name == "open_shot");
  CHECK(*phone.calls[0].arguments == R"({"shot":"/s"})");
  CHECK(phone.calls[0].deadline == 2ms);
  CHECK(phone.calls[0].op == UniqueId{3, 4});
  CHECK(phone.wait(phone.client->call("ping")).value() == "[1]");
  CHECK(phone.calls[1].arguments == nullptr);
  CHECK(phone.calls[1].op.value_or(UniqueId()) != UniqueId());
}

TEST_CASE("a call's error is the server's, and what makes no sense is asked of nobody") {
  Phone phone;
  phone.on_call = [](FakeSession& session, const protocol::CallAsk& call) {
    FakeServer::say(session, protocol::ErrorAnswer{call.id, Outcome::locked, "busy"});
  };
  const auto failed = phone.wait(phone.client->call("ping"));
  CHECK(failed.error().outcome == Outcome::locked);
  CHECK(failed.error().text == "busy");
  CallOptions options;
  options.deadline = 25h;
  CHECK(phone.client->call("ping", "", options).get().error().outcome == Outcome::usage);
  CHECK(phone.client->call("", "").get().error().outcome == Outcome::usage);
  CHECK(phone.calls.size() == 1);
}

TEST_CASE("the progress of a call is told before its answer, to it alone") {
  Phone phone;
  phone.on_call = [](FakeSession& session, const protocol::CallAsk& call) {
    FakeServer::say(session, protocol::CallProgress{call.id, json("50")});
    FakeServer::say(session, protocol::CallProgress{call.id + 7, json("60")});
    FakeServer::say(session, protocol::CallResult{call.id, json("null")});
    FakeServer::say(session, protocol::CallProgress{call.id, json("70")});
  };
  std::mutex mutex;
  std::vector<std::string> told;
  CallOptions options;
  options.on_progress = [&](std::string_view progress) {
    const std::lock_guard lock(mutex);
    told.emplace_back(progress);
  };
  CHECK(phone.wait(phone.client->call("render", "", options)));
  CHECK(phone.wait(phone.client->call("render")));
  const std::lock_guard lock(mutex);
  CHECK(told == std::vector<std::string>{"50"});
}

TEST_CASE("a call whose answer is lost with the connection is asked again with the same op") {
  Phone phone;
  phone.on_call = [&](FakeSession& session, const protocol::CallAsk& call) {
    if (phone.calls.size() == 1) return session.connection->close();
    FakeServer::say(session, protocol::CallResult{call.id, json("2")});
  };
  CHECK(phone.wait(phone.client->call("queue.add", "[1]")).value() == "2");
  REQUIRE(phone.calls.size() == 2);
  CHECK(phone.calls[0].op == phone.calls[1].op);
}

TEST_CASE("a call that a server before this one got is not made again, and nobody says whether it was done") {
  Phone phone;
  phone.on_call = [&](FakeSession& session, const protocol::CallAsk&) {
    phone.server.run = UniqueId{9, 9};
    session.connection->close();
  };
  const auto answer = phone.wait(phone.client->call("queue.add", "[1]"));
  CHECK(answer.error().outcome == Outcome::interrupted);
  CHECK_THAT(answer.error().text, Catch::Contains("no server says whether it was done"));
  CHECK(phone.calls.size() == 1);
}

TEST_CASE("a call is cancelled by its op, and the server says how it ended") {
  Phone phone;
  CallOptions options;
  options.op = UniqueId{3, 4};
  const auto answer = phone.client->call("render", "", options);
  phone.until([&] { return phone.calls.size() == 1; });
  phone.client->cancel_call(options.op);
  phone.until([&] { return phone.cancels.size() == 1; });
  CHECK(phone.cancels[0].op == options.op);
  FakeServer::say(phone.server.session(),
                  protocol::ErrorAnswer{phone.calls[0].id, Outcome::cancelled, "it was cancelled"});
  CHECK(phone.wait(answer).error().outcome == Outcome::cancelled);
}

TEST_CASE("what can be called is the server's list") {
  Phone phone;
  phone.server.on_ask = [](FakeSession& session, const protocol::ClientMessage& message) {
    if (const auto* ask = std::get_if<protocol::CallsAsk>(&message))
      FakeServer::say(session, protocol::CallList{ask->id, json("[7]")});
  };
  CHECK(phone.wait(phone.client->calls()).value() == "[7]");
}

}  // namespace callboard::client::calls_test
