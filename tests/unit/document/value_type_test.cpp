#include "base/document/value_type.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "base/document/parse.h"

namespace callboard::document::value_type_test {
namespace {

ValuePtr json(const std::string& text) { return parse(text).value(); }

std::string verdict(ValueType type, const std::string& text) {
  const auto checked = check_type(type, *json(text));
  return checked ? "good" : checked.error().text;
}

}  // namespace

TEST_CASE("every type has a name, and is found by it") {
  for (const char* name :
       {"bool", "int", "float", "text", "bytes", "time", "id", "list", "map", "json", "user", "item"}) {
    INFO(name);
    const auto type = value_type_from(name);
    REQUIRE(type);
    CHECK(to_text(*type) == name);
  }
  CHECK_FALSE(value_type_from("number"));
  CHECK_FALSE(value_type_from(""));
}

TEST_CASE("a value is of its type, or it is said what it is instead") {
  CHECK(verdict(ValueType::boolean, "true") == "good");
  CHECK(verdict(ValueType::boolean, "1") == "expected bool, got 1");
  CHECK(verdict(ValueType::boolean, "null") == "expected bool, got null");
  CHECK(verdict(ValueType::integer, "-9223372036854775808") == "good");
  CHECK(verdict(ValueType::integer, "9223372036854775808") == "expected int, got 9223372036854775808");
  CHECK(verdict(ValueType::integer, "1.5") == "expected int, got 1.5");
  CHECK(verdict(ValueType::integer, "1e3") == "expected int, got 1e3");
  CHECK(verdict(ValueType::real, "1e3") == "good");
  CHECK(verdict(ValueType::real, "\"1\"") == "expected float, got \"1\"");
  CHECK(verdict(ValueType::text, "\"\"") == "good");
  CHECK(verdict(ValueType::text, "[\"a\"]") == "expected text, got list");
  CHECK(verdict(ValueType::bytes, "\"aGk=\"") == "good");
  CHECK(verdict(ValueType::bytes, "\"aGk\"") == "expected bytes (base64), got \"aGk\"");
  CHECK(verdict(ValueType::bytes, "\"aG!=\"") == "expected bytes (base64), got \"aG!=\"");
  CHECK(verdict(ValueType::bytes, "\"\"") == "good");
  CHECK(verdict(ValueType::bytes, "\"AA==\"") == "good");
  CHECK(verdict(ValueType::bytes, "\"A===\"") == "expected bytes (base64), got \"A===\"");
  CHECK(verdict(ValueType::bytes, "\"AA=E\"") == "expected bytes (base64), got \"AA=E\"");
  CHECK(verdict(ValueType::time, "1763733203123") == "good");
  CHECK(verdict(ValueType::time, "0") == "good");
  CHECK(verdict(ValueType::time, "-1") == "expected time (ms since 1970), got -1");
  CHECK(verdict(ValueType::time, "1.5") == "expected time (ms since 1970), got 1.5");
  CHECK(verdict(ValueType::time, "253402300799999") == "good");
  CHECK(verdict(ValueType::time, "253402300800000") == "expected time (ms since 1970), got 253402300800000");
  CHECK(verdict(ValueType::id, "\"066a9a8b3c400001\"") == "good");
  CHECK(verdict(ValueType::id, "\"6f3a5d2c9b8e47f10a1b2c3d4e5f6071\"") == "good");
  CHECK(verdict(ValueType::id, "\"xyz\"") == "expected id (16 or 32 hex digits), got \"xyz\"");
  CHECK(verdict(ValueType::list, "[]") == "good");
  CHECK(verdict(ValueType::list, "{}") == "expected list, got map");
  CHECK(verdict(ValueType::map, "{}") == "good");
  CHECK(verdict(ValueType::map, "null") == "expected map, got null");
  CHECK(verdict(ValueType::json, "null") == "good");
  CHECK(verdict(ValueType::user, "\"rigging (2)\"") == "good");
  CHECK(verdict(ValueType::user, "\"\"") == "expected user, got \"\"");
  CHECK(verdict(ValueType::user, "\"a\\nb\"") != "good");
  CHECK(verdict(ValueType::user, "\" a\"") == "expected user, got \" a\"");
  CHECK(verdict(ValueType::user, "\"a \"") == "expected user, got \"a \"");
  CHECK(verdict(ValueType::item, "\"/dev/chr/Moria\"") == "good");
  CHECK(verdict(ValueType::item, "\"dev\"") == "expected item, got \"dev\"");
  for (const char* good : {"\"/\"", "\"/..a/b.\"", "\"/a b/\u00fc\"", "\"/*/b\""})
    CHECK(verdict(ValueType::item, good) == "good");
  for (const char* bad :
       {"\"/a/../b\"", "\"/..\"", "\"/a//b\"", "\"//\"", "\"/a/\"", "\"/./a\"", "\"/a/.\""}) {
    INFO(bad);
    CHECK(verdict(ValueType::item, bad) != "good");
  }
}

TEST_CASE("what a person types becomes a value of the type that is wanted") {
  const auto typed = [](ValueType type, const std::string& text) {
    const auto value = value_from_text(type, text);
    return value ? print(**value) : value.error().text;
  };
  CHECK(typed(ValueType::text, "12") == "\"12\"");
  CHECK(typed(ValueType::text, "a \"b\"") == "\"a \\\"b\\\"\"");
  CHECK(typed(ValueType::integer, "12") == "12");
  CHECK(typed(ValueType::integer, "twelve") == "expected int, got \"twelve\"");
  CHECK(typed(ValueType::boolean, "yes") == "true");
  CHECK(typed(ValueType::boolean, "off") == "false");
  CHECK(typed(ValueType::boolean, "maybe") == "expected yes or no, got \"maybe\"");
  CHECK(typed(ValueType::list, "[1,2]") == "[1,2]");
  CHECK(typed(ValueType::list, "{}") == "expected list, got map");
  CHECK(typed(ValueType::json, "null") == "null");
  CHECK(typed(ValueType::item, "/pln") == "\"/pln\"");
  CHECK(typed(ValueType::text, "\xff") == "expected UTF-8");
}

}  // namespace callboard::document::value_type_test
