// Calls over the wire, on a real server.
#include <catch2/catch.hpp>

#include <string>

#include "base/call/call_description.h"
#include "base/document/parse.h"
#include "server/calls/built_in_calls.h"
#include "tests/unit/server/studio.h"

namespace callboard::server::calls_test {
namespace {

using namespace protocol;
using Catch::Contains;

CallAsk call(std::string name, const std::string& arguments = "") {
  CallAsk ask;
  ask.name = std::move(name);
  if (!arguments.empty()) ask.arguments = std::make_shared<const std::string>(arguments);
  return ask;
}

std::vector<CallDescription> described_calls() {
  Studio studio;
  auto visit = studio.visit("rigging");
  const auto list = descriptions_from(*visit->ask_for<CallList>(CallsAsk{}).descriptions);
  REQUIRE(list);
  return *list;
}

std::vector<std::string> names_of_calls() {
  std::vector<std::string> names;
  for (const auto& each : described_calls()) names.push_back(each.name);
  return names;
}

// As far as a start is checked against it.
std::string outline_of(const CallDescription& call) {
  std::string outline = call.name;
  for (const CallArgument& each : call.arguments) {
    const bool is_left_out = each.is_optional || each.fallback;
    outline += " " + each.name + ":" + std::string(to_text(each.type)) + (is_left_out ? "?" : "") +
               (each.is_repeated ? "…" : "");
  }
  return outline;
}

}  // namespace

TEST_CASE("a session and a visit call what the server can do") {
  Studio studio;
  auto joined = studio.join("rigging");
  auto visit = studio.visit("lighting");
  for (TestClient* client : {joined.get(), visit.get()}) {
    const auto info = document::parse(*client->ask_for<CallResult>(call("server.info")).value).value();
    CHECK(*info->member("project")->string() == "Moria's Race");
    const auto clock = document::parse(*client->ask_for<CallResult>(call("ping")).value).value();
    CHECK(check_type(ValueType::time, *clock));
    const auto disk = document::parse(*client->ask_for<CallResult>(call("disk.free")).value).value();
    CHECK(check_type(ValueType::integer, *disk->member("free_bytes")));
  }
}

TEST_CASE("what can be called is told as descriptions that make sense") {
  const std::vector<std::string> names = names_of_calls();
  for (const char* name : {"server.info", "ping", "disk.free"}) {
    INFO(name);
    CHECK(std::ranges::count(names, name) == 1);
  }
}

TEST_CASE("the calls that every server has are those that a start is checked against") {
  std::vector<std::string> here;
  std::vector<std::string> known;
  for (const auto& each : described_calls()) here.push_back(outline_of(each));
  for (const auto& each : kBuiltInCalls) known.push_back(outline_of(description_of(each)));
  CHECK(here == known);
}

TEST_CASE("a call that is wrong is answered with an error, and the session goes on") {
  Studio studio;
  auto visit = studio.visit("rigging");
  CHECK(visit->ask_for<ErrorAnswer>(call("levitate")).outcome == Outcome::not_found);
  CHECK_THAT(visit->ask_for<ErrorAnswer>(call("ping", "[1]")).text,
             Contains("ping: expected at most 0 arguments"));
  CHECK(visit->ask_for<ErrorAnswer>(call("ping", "{")).outcome == Outcome::usage);
  CallCancelAsk cancel;
  cancel.call = 77;
  CHECK(visit->ask_for<ErrorAnswer>(cancel).outcome == Outcome::not_found);
  CHECK(visit->ask_for<CallResult>(call("ping")).value != nullptr);
}

TEST_CASE("the same op over another connection gets the same answer") {
  Studio studio;
  auto first = studio.visit("rigging");
  auto second = studio.visit("rigging");
  auto ask = call("server.info");
  ask.op = UniqueId{1, 2};
  const auto answer = *first->ask_for<CallResult>(ask).value;
  // It says how many visits there are: were it carried out again, another number.
  auto third = studio.visit("rigging");
  CHECK(*second->ask_for<CallResult>(ask).value == answer);
  ask.op = UniqueId{1, 3};
  CHECK(*second->ask_for<CallResult>(ask).value != answer);
}

}  // namespace callboard::server::calls_test
