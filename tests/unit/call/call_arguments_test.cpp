#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "base/call/call_description.h"
#include "base/document/build.h"
#include "base/document/parse.h"

namespace callboard::call_arguments_test {
namespace {

using Catch::Contains;

CallDescription kick() {
  return {.name = "kick",
          .arguments = {{.name = "user", .type = ValueType::user}, {.name = "reason", .is_optional = true}}};
}
CallDescription render() {
  return {.name = "render",
          .arguments = {
              {.name = "shot", .type = ValueType::item},
              {.name = "priority", .type = ValueType::integer, .fallback = document::make_number(5)},
              {.name = "frames", .type = ValueType::integer, .is_optional = true, .is_repeated = true}}};
}

std::string completed(const CallDescription& description, const std::string& json) {
  const auto arguments =
      complete_arguments(description, json.empty() ? nullptr : document::parse(json).value());
  return arguments ? document::print(**arguments) : arguments.error().text;
}

std::string worded(const CallDescription& description, const std::vector<CallWord>& words) {
  const auto arguments = arguments_from_words(description, words);
  return arguments ? document::print(**arguments) : arguments.error().text;
}

}  // namespace

TEST_CASE("arguments come by name or by place, and leave as one object in the order of the description") {
  CHECK(completed(kick(), R"({"reason":"late","user":"rigging"})") ==
        R"({"user":"rigging","reason":"late"})");
  CHECK(completed(kick(), R"(["rigging","late"])") == R"({"user":"rigging","reason":"late"})");
  CHECK(completed(kick(), R"(["rigging"])") == R"({"user":"rigging"})");
  CHECK(completed(kick(), R"({"user":"rigging","reason":null})") == R"({"user":"rigging"})");
  CHECK(completed({.name = "ping"}, "") == "{}");
  CHECK(completed({.name = "ping"}, "[]") == "{}");
}

TEST_CASE("defaults are filled in, and repeated arguments are an array") {
  CHECK(completed(render(), R"(["/s/1"])") == R"({"shot":"/s/1","priority":5})");
  CHECK(completed(render(), R"(["/s/1",7,1,2,3])") == R"({"shot":"/s/1","priority":7,"frames":[1,2,3]})");
  CHECK(completed(render(), R"({"shot":"/s/1","frames":[4]})") ==
        R"({"shot":"/s/1","priority":5,"frames":[4]})");
}

TEST_CASE("arguments that are missing, unknown, too many or of another type are refused, and which") {
  CHECK(completed(kick(), "") == "kick: user: expected user, got nothing");
  CHECK(completed(kick(), "[3]") == "kick: user: expected user, got 3");
  CHECK(completed(kick(), R"(["a","b","c"])") ==
        "kick: expected at most 2 arguments, got 3; it is called as kick USER [REASON]");
  CHECK_THAT(completed(kick(), R"({"user":"a","why":1})"), Contains("\"why\": no such argument"));
  CHECK(completed(kick(), "7") == "kick: arguments: expected a map or a list, got number");
  CHECK(completed(render(), R"({"shot":"/s","frames":3})") ==
        "render: frames: expected a list of int, got number");
  CHECK(completed(render(), R"(["/s",1,"x"])") == "render: frames: expected int, got \"x\"");
}

TEST_CASE("words of a command line are arguments by place, or by name where there is that name") {
  CHECK(worded(kick(), {"rigging"}) == R"({"user":"rigging"})");
  CHECK(worded(kick(), {"reason=late", "rigging"}) == R"({"user":"rigging","reason":"late"})");
  CHECK(worded(kick(), {"rigging", "reason=a=b"}) == R"({"user":"rigging","reason":"a=b"})");
  CHECK(worded(kick(), {"rigging", "not now: a=b"}) == R"({"user":"rigging","reason":"not now: a=b"})");
  CHECK(worded(kick(), {"rigging", "=b"}) == R"({"user":"rigging","reason":"=b"})");
  CHECK(worded(render(), {"/s/1", "7", "1", "2"}) == R"({"shot":"/s/1","priority":7,"frames":[1,2]})");
  CHECK(worded(render(), {"/s/1", "frames=1", "frames=2"}) ==
        R"({"shot":"/s/1","priority":5,"frames":[1,2]})");
}

TEST_CASE("words that fit nowhere are refused, and why") {
  CHECK_THAT(worded(kick(), {"a", "b", "c"}), Contains("\"c\": one argument too many"));
  CHECK_THAT(worded(kick(), {"user=a", "user=b"}), Contains("user: given twice"));
  CHECK(worded(kick(), {"rigging", "raeson=late"}) ==
        "kick: there is no argument named \"raeson\"; there are user, reason. A text with a \"=\" is given "
        "by name, like user=raeson=late");
  CHECK_THAT(worded({.name = "ping"}, {"a=b"}), Contains("\"a=b\": one argument too many"));
  CHECK(worded(render(), {"/s", "high"}) == "render: priority: expected int, got \"high\"");
  CHECK(worded(kick(), {}) == "kick: user: expected user, got nothing");
}

}  // namespace callboard::call_arguments_test
