#include "server/tasks/task_lines.h"

#include <catch2/catch.hpp>

#include "base/document/build.h"
#include "base/document/parse.h"

namespace callboard::server::task_lines_test {
namespace {

using Catch::Contains;

std::string trouble(const std::string& line) {
  const auto said = task_said_from(line);
  return said ? "none" : said.error().text;
}

}  // namespace

TEST_CASE("what is said to a task is a line of JSON each") {
  CHECK(init_line("Moria's Race") == "{\"do\":\"init\",\"version\":1,\"project\":\"Moria's Race\"}\n");
  TaskCall call{7, "counter.add", "rigging", document::parse("{\"number\":2}").value(), nullptr};
  CHECK(to_line(call) ==
        R"({"do":"call","call":7,"name":"counter.add","by":"rigging","arguments":{"number":2}})"
        "\n");
  call.state = document::make_null();
  CHECK_THAT(to_line(call), Contains(R"(,"state":null})"));
  CHECK(cancel_line(7) == "{\"do\":\"cancel\",\"call\":7}\n");
  CHECK(exit_line({}) == "{\"do\":\"exit\"}\n");
  CHECK(exit_line({{"/s", document::make_number(3)}}) == "{\"do\":\"exit\",\"states\":{\"/s\":3}}\n");
}

TEST_CASE("a task tells its calls and what their states begin with") {
  const auto said = task_said_from(R"({"calls":[{"name":"a","state":"/s"}],"states":{"/s":0}})");
  REQUIRE(said);
  const auto& ready = std::get<TaskReady>(*said);
  CHECK(ready.calls.at(0).state == "/s");
  CHECK(ready.states.at(0).key == "/s");
}

TEST_CASE("of a task's calls those are left out that make no sense, and why") {
  const auto said =
      task_said_from(R"({"calls":[{"name":"a"},{"name":"b","permision":"farm.use"},)"
                     R"({"name":"c","permission":"Foo Bar"},{"name":"a"},)"
                     R"({"name":"d","args":[{"name":"x","optionl":true}]},7,{"name":"e","result":"it"}]})");
  REQUIRE(said);
  const auto& ready = std::get<TaskReady>(*said);
  REQUIRE(ready.calls.size() == 1);
  CHECK(ready.calls[0].name == "a");
  const auto why = [&](std::size_t i) { return ready.left_out.at(i); };
  REQUIRE(ready.left_out.size() == 6);
  CHECK_THAT(why(0), Catch::StartsWith("call \"b\": permision: no such key; expected name, "));
  CHECK_THAT(why(1), Catch::StartsWith("c: permission \"Foo Bar\": expected 1-64 of "));
  CHECK(why(2) == "a: there are two calls of this name");
  CHECK_THAT(why(3), Catch::StartsWith("call \"d\": args: entry 0: optionl: no such key; expected "));
  CHECK(why(4) == "call \"\": expected a map, got number");
  CHECK(why(5) == "call \"e\": result: expected a type, got \"it\"");
}

TEST_CASE("a task tells what it leaves in its states at its exit") {
  const auto said = task_said_from(R"({"states":{"/s":4,"/t":null}})");
  REQUIRE(said);
  const auto& left = std::get<TaskLeft>(*said);
  // Null leaves a state as it is.
  REQUIRE(left.states.size() == 1);
  CHECK(left.states[0].key == "/s");
  CHECK(document::print(*left.states[0].value) == "4");
  CHECK(trouble(R"({"states":[]})") == "states: expected a map");
}

TEST_CASE("a task answers with a result, a state, both, or an error") {
  const auto answer = [](const char* line) { return std::get<TaskAnswer>(task_said_from(line).value()); };
  CHECK(document::print(**answer(R"({"call":1,"result":[2]})").result) == "[2]");
  CHECK(answer(R"({"call":1,"result":[2]})").state == nullptr);
  CHECK(answer(R"({"call":1})").result.value() == nullptr);
  CHECK(document::print(*answer(R"({"call":1,"state":3})").state) == "3");
  CHECK(answer(R"({"call":1,"result":2,"state":null})").state == nullptr);
  const auto failed = answer(R"({"call":1,"error":"no","outcome":"locked","state":3})");
  CHECK(failed.result.error().outcome == Outcome::locked);
  CHECK(failed.state == nullptr);
  CHECK(answer(R"({"call":1,"error":"no","outcome":"done"})").result.error().outcome == Outcome::failed);
  CHECK(answer(R"({"call":1,"error":"no","outcome":7})").result.error().outcome == Outcome::failed);
  CHECK(std::get<TaskProgress>(task_said_from(R"({"call":4,"progress":5})").value()).call == 4);
}

TEST_CASE("an answer says records that are to be written") {
  const auto answer = [](const std::string& line) {
    return std::get<TaskAnswer>(task_said_from(line).value());
  };
  const TaskAnswer said =
      answer(R"({"call":1,"result":2,"records":[{"path":"/r/1","class":"review","fields":{"votes":3}}]})");
  REQUIRE(said.records.size() == 1);
  CHECK(said.records[0].path == "/r/1");
  CHECK(said.records[0].record_class == "review");
  CHECK(document::print(*said.records[0].fields) == R"({"votes":3})");
  CHECK(answer(R"({"call":1,"error":"no","records":[{"path":"/r/1","class":"review","fields":{}}]})")
            .records.empty());
}

TEST_CASE("what makes no sense from a task is said") {
  CHECK_THAT(trouble("hello"), Contains("syntax error") || Contains("byte"));
  CHECK(trouble("[1]") == "expected an object, got list");
  CHECK(trouble("{}") == "expected calls, call or states");
  CHECK_THAT(trouble(R"({"call":-1})"), Contains("expected the number of a call"));
  CHECK_THAT(trouble(R"({"call":"1"})"), Contains("expected the number of a call"));
  CHECK_THAT(trouble(R"({"calls":{}})"), Contains("expected a list"));
  CHECK_THAT(trouble(R"({"calls":[],"states":[]})"), Contains("states: expected a map"));
  CHECK(trouble(R"({"call":1,"records":{}})") == "records: expected a list");
  for (const char* one : {"1", R"({"path":"/a","class":"b"})", R"({"path":"/a","class":"b","fields":[]})"}) {
    CHECK(trouble(R"({"call":1,"records":[)" + std::string(one) + "]}") ==
          "records: expected each to have path, class, and fields, a map");
  }
  CHECK_THAT(trouble(R"({"call":1,"error":{}})"), Contains("error: expected text"));
}

TEST_CASE("lines split at any byte are the same lines, and none is longer than it may be") {
  const std::string text = "one\n\nthree\nfour";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    INFO(split);
    LineReader reader(5);
    std::vector<std::string> lines;
    CHECK(reader.push(as_bytes(text.substr(0, split)), lines));
    CHECK(reader.push(as_bytes(text.substr(split)), lines));
    CHECK(lines == std::vector<std::string>{"one", "three"});
  }
  std::vector<std::string> lines;
  CHECK(LineReader(5).push(as_bytes(std::string("12345\n")), lines));
  CHECK_FALSE(LineReader(5).push(as_bytes(std::string("123456\n")), lines));
}

}  // namespace callboard::server::task_lines_test
