// Calls that clients offer, over the wire on a real server.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include <string>

#include "base/call/call_description.h"
#include "base/document/parse.h"
#include "protocol/server_asks.h"
#include "tests/unit/server/studio.h"

namespace callboard::server::offers_test {
namespace {

using namespace protocol;
using Catch::Contains;

Document json(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

const std::string kOpenShot =
    R"([{"name":"open_shot","args":[{"name":"shot","type":"item"}],"result":"text"}])";

OfferAsk offer(const std::string& descriptions) {
  OfferAsk ask;
  ask.descriptions = json(descriptions);
  return ask;
}

// Asks in a turn of its own, without waiting for the answer.
AskId begin(TestClient& client, const std::string& name, const std::string& arguments, AskId id = 1000) {
  CallAsk ask;
  ask.id = id;
  ask.name = name;
  ask.arguments = json(arguments);
  client.say(TurnRequest{client.wall()});
  client.expect<Yours>();
  client.say(ask);
  client.say(Yours{});
  return id;
}

void report(TestClient& node, const ClientMessage& message) {
  node.say(TurnRequest{node.wall()});
  node.expect<Yours>();
  node.say(message);
  node.say(Yours{});
}

CalledAsk called(CallId call, const std::string& value) {
  CalledAsk ask;
  ask.call = call;
  ask.value = json(value);
  return ask;
}

}  // namespace

TEST_CASE("a render node offers a call, carries it out, and its caller gets the result when it is done") {
  Studio studio;
  auto node = studio.join("node-7");
  auto caller = studio.join("rigging");
  node->ask_for<Ok>(offer(kOpenShot));
  const auto list = descriptions_from(*caller->ask_for<CallList>(CallsAsk{}).descriptions).value();
  const auto told = std::ranges::find(list, "open_shot", &CallDescription::name);
  REQUIRE(told != list.end());
  CHECK(told->by == "node-7");

  begin(*caller, "open_shot", R"(["/rnd/scene-01/shot-03"])");
  const auto call = node->expect<CallTell>();
  CHECK(call.name == "open_shot");
  CHECK(call.by == "rigging");
  CHECK(call.session == caller->session);
  CHECK(call.deadline > 0ms);
  CHECK(*call.arguments == R"({"shot":"/rnd/scene-01/shot-03"})");
  report(*node, CallProgressed{call.call, json("50")});
  CHECK(*caller->expect<CallProgress>().value == "50");
  node->ask_for<Ok>(called(call.call, "\"open\""));
  CHECK(*caller->expect<CallResult>().value == "\"open\"");
  CHECK(node->ask_for<ErrorAnswer>(called(call.call, "\"twice\"")).outcome == Outcome::not_found);
}

TEST_CASE("arguments that make no sense never reach who offers the call") {
  Studio studio;
  auto node = studio.join("node-7");
  auto caller = studio.join("rigging");
  node->ask_for<Ok>(offer(kOpenShot));
  CallAsk ask;
  ask.name = "open_shot";
  ask.arguments = json("[3]");
  CHECK(caller->ask_for<ErrorAnswer>(ask).text == "open_shot: shot: expected item, got 3");
  CHECK(node->told<CallTell>().empty());
}

TEST_CASE("a node that leaves during a call fails it, and its calls are there no more") {
  Studio studio;
  auto node = studio.join("node-7");
  auto caller = studio.join("rigging");
  node->ask_for<Ok>(offer(kOpenShot));
  begin(*caller, "open_shot", R"(["/s"])");
  node->expect<CallTell>();
  node->close();
  const auto error = caller->expect<ErrorAnswer>();
  CHECK(error.outcome == Outcome::interrupted);
  CHECK_THAT(error.text, Contains("\"node-7\", who did it, has left"));
  CallAsk again;
  again.name = "open_shot";
  again.arguments = json(R"(["/s"])");
  CHECK(caller->ask_for<ErrorAnswer>(again).outcome == Outcome::not_found);
}

TEST_CASE("an offer that does not fit is refused, and one more of what is there is called like the others") {
  Studio studio;
  std::vector<std::unique_ptr<TestClient>> farm;
  std::string refused;
  for (int node = 0; refused.empty() && node < 20; ++node) {
    std::string calls;
    for (int i = 0; i < 64; ++i) {
      calls += fmt::format("{}{{\"name\":\"n{}.c{}\",\"args\":[]}}", i == 0 ? "[" : ",", node, i);
    }
    farm.push_back(studio.join("node-" + std::to_string(node)));
    const auto answer = farm.back()->ask(offer(calls + "]"));
    if (const auto* error = std::get_if<ErrorAnswer>(&answer)) refused = error->text;
  }
  CHECK_THAT(refused, Contains("there are 1024 calls already"));
  auto again = studio.join("one-more");
  again->ask_for<Ok>(offer(R"([{"name":"n0.c0","args":[]}])"));
  auto caller = studio.join("rigging");
  begin(*caller, "n0.c0", "[]", 1001);
  begin(*caller, "n0.c0", "[]", 1002);
  farm[0]->expect<CallTell>();
  again->expect<CallTell>();
}

TEST_CASE("a call that several offer goes to who has the least to do, or to the one that is named") {
  Studio studio;
  auto one = studio.join("node-1");
  auto two = studio.join("node-2");
  auto caller = studio.join("rigging");
  one->ask_for<Ok>(offer(kOpenShot));
  two->ask_for<Ok>(offer(kOpenShot));
  begin(*caller, "open_shot", R"(["/a"])", 1001);
  begin(*caller, "open_shot", R"(["/b"])", 1002);
  begin(*caller, "open_shot@node-2", R"(["/c"])", 1003);
  CHECK(*one->expect<CallTell>().arguments == R"({"shot":"/a"})");
  CHECK(*two->expect<CallTell>().arguments == R"({"shot":"/b"})");
  CHECK(*two->expect<CallTell>().arguments == R"({"shot":"/c"})");
  auto three = studio.join("node-3");
  CHECK_THAT(three->ask_for<ErrorAnswer>(offer(R"([{"name":"open_shot"}])")).text,
             Contains("describes it otherwise"));
}

TEST_CASE("what is offered anew takes the place of what was, and nothing takes it all away") {
  Studio studio;
  auto node = studio.join("node-7");
  node->ask_for<Ok>(offer(kOpenShot));
  node->ask_for<Ok>(offer(R"([{"name":"open_shot"},{"name":"close_shot"}])"));
  CHECK_THAT(*node->ask_for<CallList>(CallsAsk{}).descriptions, Contains("close_shot"));
  node->ask_for<Ok>(offer("[]"));
  CHECK_THAT(*node->ask_for<CallList>(CallsAsk{}).descriptions, !Contains("_shot"));
}

TEST_CASE("what cannot be offered is refused, and what was offered stays") {
  Studio studio;
  auto node = studio.join("node-7");
  node->ask_for<Ok>(offer(kOpenShot));
  CHECK_THAT(node->ask_for<ErrorAnswer>(offer(R"([{"name":"ping"}])")).text,
             Contains("there is a call of this name already"));
  CHECK_THAT(node->ask_for<ErrorAnswer>(offer(R"([{"name":"a","state":"/s"}])")).text, Contains("state"));
  CHECK(node->ask_for<ErrorAnswer>(offer("{}")).outcome == Outcome::usage);
  CHECK_THAT(*node->ask_for<CallList>(CallsAsk{}).descriptions, Contains("open_shot"));
  auto visit = studio.visit("lighting");
  CHECK(visit->ask_for<ErrorAnswer>(offer(kOpenShot)).outcome == Outcome::refused);
}

TEST_CASE("who offers a call hears that nobody waits for it any more") {
  Studio studio;
  auto node = studio.join("node-7");
  auto caller = studio.join("rigging");
  node->ask_for<Ok>(offer(kOpenShot));
  begin(*caller, "open_shot", R"(["/s"])");
  const auto call = node->expect<CallTell>();
  CallCancelAsk cancel;
  cancel.call = 1000;
  caller->ask_for<Ok>(cancel);
  CHECK(node->expect<CallCancelTell>().call == call.call);
  CHECK(node->ask_for<ErrorAnswer>(called(call.call, "1")).outcome == Outcome::not_found);
}

TEST_CASE("a service calls what a client offers: the server itself asks, and who offers it stays in") {
  Service nightly;
  nightly.name = "nightly";
  nightly.call = "open_shot";
  nightly.arguments = document::parse(R"({"shot":"/s"})").value();
  ServerOptions options;
  options.services = {nightly};
  Studio studio(options);
  auto node = studio.join("node-7");
  auto caller = studio.join("rigging");
  node->ask_for<Ok>(offer(kOpenShot));
  begin(*caller, "services.run", R"({"name":"nightly","wait":true})");
  const auto call = node->expect<CallTell>();
  CHECK(call.by == "service nightly");
  CHECK(call.session == std::nullopt);
  node->ask_for<Ok>(called(call.call, "\"open\""));
  CHECK(*caller->expect<CallResult>().value == "null");
  const auto run = caller->ask_for<protocol::Records>(RecordsRead{0, "/services/nightly", ""});
  CHECK_THAT(*run.records, Contains(R"("result":"open")") && Contains(R"("failures":0)"));
  node->ask_for<Ok>(offer("[]"));
}

}  // namespace callboard::server::offers_test
