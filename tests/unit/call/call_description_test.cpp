#include "base/call/call_description.h"

#include <catch2/catch.hpp>

#include <string>

#include "base/document/build.h"
#include "base/document/parse.h"

namespace callboard::call_description_test {
namespace {

using Catch::Contains;

std::string verdict(const std::string& json) {
  const auto described = description_from(*document::parse(json).value());
  return described ? "good" : described.error().text;
}

}  // namespace

TEST_CASE("a description is the same again after it was JSON") {
  const std::string json =
      R"({"name":"open_shot","summary":"opens a shot","category":"farm","permission":"farm.use","args":[)"
      R"({"name":"shot","type":"item","summary":"which"},{"name":"frame","type":"int","default":1},)"
      R"({"name":"passes","type":"text","optional":true,"repeated":true}],"result":"map","by":"node-7","state":"/s"})";
  const auto described = description_from(*document::parse(json).value());
  REQUIRE(described);
  CHECK(document::print(*to_value(*described)) == json);
  CHECK(usage_of(*described) == "open_shot SHOT [FRAME] [PASSES…]");
}

TEST_CASE("what a description leaves out has its default: text for an argument, nothing for a result") {
  const auto described = description_from(*document::parse(R"({"name":"x","args":[{"name":"a"}]})").value());
  REQUIRE(described);
  CHECK(described->arguments.at(0).type == ValueType::text);
  CHECK_FALSE(described->result);
}

TEST_CASE("a description that makes no sense is refused, and where") {
  CHECK_THAT(verdict("[]"), Contains("expected a map, got list"));
  CHECK_THAT(verdict("{}"), Contains("name: missing"));
  CHECK_THAT(verdict(R"({"name":7})"), Contains("name: expected text, got number"));
  CHECK_THAT(verdict(R"({"name":"a b"})"), Contains("expected a name"));
  CHECK_THAT(verdict(R"({"name":"a..b"})"), Contains("expected a name"));
  CHECK_THAT(verdict(R"({"name":".a"})"), Contains("expected a name"));
  CHECK_THAT(verdict(R"({"name":"a@b"})"), Contains("expected a name"));
  CHECK(verdict(R"({"name":")" + std::string(kCallNameMax, 'a') + "\"}") == "good");
  CHECK_THAT(verdict(R"({"name":")" + std::string(kCallNameMax + 1, 'a') + "\"}"),
             Contains("expected a name"));
  CHECK_THAT(verdict(R"({"name":"a","result":"number"})"), Contains("result: expected a type"));
  CHECK_THAT(verdict(R"({"name":"a","args":{}})"), Contains("args: expected a list, got map"));
  CHECK_THAT(verdict(R"({"name":"a","args":[{"name":"b"},{"name":"b"}]})"),
             Contains("two arguments of this name"));
  CHECK_THAT(verdict(R"({"name":"a","args":[{"name":"b","repeated":true},{"name":"c"}]})"),
             Contains("only the last argument may be repeated"));
  CHECK_THAT(verdict(R"({"name":"a","args":[{"name":"b","optional":true},{"name":"c"}]})"),
             Contains("c: expected optional"));
  CHECK_THAT(verdict(R"({"name":"a","args":[{"name":"b","type":"int","default":"x"}]})"),
             Contains("b: default: expected int, got \"x\""));
  CHECK_THAT(verdict(R"({"name":"a","summary":"two\nlines"})"), Contains("one line"));
}

TEST_CASE(
    "keys that are not known are another version's over the wire, and a mistake of a task or a plugin") {
  const auto read = [](const std::string& json, UnknownKeys unknown) {
    const auto listed = descriptions_from(json, unknown);
    return listed ? "good" : listed.error().text;
  };
  for (const char* misspelt : {R"([{"name":"a","permision":"farm.use"}])",
                               R"([{"name":"a","args":[{"name":"b","optionl":true}]}])"}) {
    CHECK(read(misspelt, UnknownKeys::ignored) == "good");
    CHECK_THAT(read(misspelt, UnknownKeys::refused), Contains("no such key; expected name, "));
  }
  const std::string nobodys = R"([{"name":"a","permission":"Foo Bar"}])";
  CHECK(read(nobodys, UnknownKeys::ignored) == "good");
  CHECK(read(nobodys, UnknownKeys::refused) ==
        "a: permission \"Foo Bar\": expected 1-64 of a-z, 0-9, '.', '_' and '-'");
}

TEST_CASE("a list of descriptions has each name once for each who offers it") {
  const auto listed = descriptions_from(R"([{"name":"a","by":"x"},{"name":"a","by":"y"},{"name":"b"}])");
  REQUIRE(listed);
  CHECK(listed->size() == 3);
  CHECK_THAT(descriptions_from(R"([{"name":"a"},{"name":"a"}])").error().text, Contains("two calls"));
  CHECK_THAT(descriptions_from("{}").error().text, Contains("expected a list"));
  CHECK_THAT(descriptions_from("[").error().text, Contains("calls: "));
  std::string many = "[";
  for (std::size_t i = 0; i <= kCallDescriptionsMax; ++i)
    many += (i == 0 ? "{\"name\":\"c" : ",{\"name\":\"c") + std::to_string(i) + "\"}";
  CHECK_THAT(descriptions_from(many + "]").error().text, Contains("at most 1024, got 1025"));
}

}  // namespace callboard::call_description_test
