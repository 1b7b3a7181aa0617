#include "protocol/json_tree.h"

#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include "base/limits.h"

namespace callboard::json_tree_test {
using namespace callboard::protocol;

namespace {

std::string nested(int depth, const std::string& open, const std::string& close) {
  std::string json;
  for (int i = 0; i < depth; ++i) json += open;
  json += "1";
  for (int i = 0; i < depth; ++i) json += close;
  return json;
}

std::string verdict(const std::string& json) {
  JsonTree tree;
  const auto result = parse_json(json, std::numeric_limits<std::size_t>::max(), tree);
  return result ? "" : result.error().text;
}

}  // namespace

TEST_CASE("a document may be JSON of any type") {
  for (const char* json :
       {"null", "true", "-1.5e3", "18446744073709551615", "\"Größe\"", "[]", "{}", " {\"a\":[1,{}]}\n"}) {
    INFO(json);
    CHECK(verdict(json).empty());
  }
}

TEST_CASE("what is not one JSON value is no document") {
  for (const char* json :
       {"", " ", "{", "[1,]", "{\"a\"}", "nul", "1 2", "'a'", "{\"a\":1}x", "\"\x80\"", "\"\xc0\xaf\"",
        "\"\\ud800\"", "NaN", "01", "\"\n\"", "// x\n1", "\xef\xbb\xbf{}"}) {
    INFO(json);
    CHECK(verdict(json).find("expected JSON, got ") == 0);
  }
  CHECK(verdict(std::string("1\0", 2)).find("expected JSON") == 0);
  CHECK(verdict("1e999").find("expected JSON, got number out of range") == 0);
}

TEST_CASE("every truncation of a document is refused") {
  const std::string json = R"({"acts":[{"name":"Das Tor \u00e9","n":[1,2.5,true,null]}]})";
  REQUIRE(verdict(json).empty());
  for (std::size_t size = 0; size < json.size(); ++size) {
    INFO(json.substr(0, size));
    CHECK_FALSE(verdict(json.substr(0, size)).empty());
  }
}

TEST_CASE("a document may be nested 64 deep and no deeper") {
  CHECK(verdict(nested(63, "[", "]")).empty());
  CHECK(verdict(nested(64, "[", "]")).empty());
  CHECK(verdict(nested(65, "[", "]")) == "expected JSON, got nested deeper than 64");
  CHECK(verdict(nested(64, "{\"a\":", "}")).empty());
  CHECK(verdict(nested(65, "{\"a\":", "}")) == "expected JSON, got nested deeper than 64");
}

TEST_CASE("a million opening brackets are refused at once") {
  CHECK(verdict(std::string(1'000'000, '[')) == "expected JSON, got nested deeper than 64");
}

TEST_CASE("values and keys are counted up to a limit") {
  // The object, two keys, two values.
  JsonTree tree;
  CHECK(parse_json(R"({"a":1,"b":2})", 5, tree));
  const auto refused = parse_json(R"({"a":1,"b":2})", 4, tree);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text == "expected JSON, got too many values");
}

TEST_CASE(
    "a tree's members are found by their keys, of equal ones the last, and what follows them behind all "
    "within them") {
  const std::string json = R"({"a":{"b":[1,{"c":"x\n\u00e9"}],"":2},"n":-7,"a\/":true,"n":null})";
  JsonTree tree;
  // Nothing stays of what was read before.
  REQUIRE(parse_json(R"(["\n",{"n":[1]},2,3,4,5,6,7])", 100, tree));
  REQUIRE(parse_json(json, 100, tree));
  const JsonValue& root = tree.root();
  CHECK(root.count == 4);
  const JsonValue* a = root.member("a");
  REQUIRE(a != nullptr);
  REQUIRE(a->member("b") != nullptr);
  const JsonValue* second = a->member("b")->first()->next();
  REQUIRE(second->member("c") != nullptr);
  CHECK(second->member("c")->text == "x\n\u00e9");
  REQUIRE(a->member("") != nullptr);
  CHECK(a->member("")->text == "2");
  REQUIRE(root.member("n") != nullptr);
  CHECK(root.member("n")->kind == JsonValue::Kind::null);
  REQUIRE(root.member("a/") != nullptr);
  CHECK(root.member("a/")->truth);
  CHECK(root.member("c") == nullptr);
  CHECK(a->member("b")->member("c") == nullptr);
}

}  // namespace callboard::json_tree_test
