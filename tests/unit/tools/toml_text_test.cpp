#include "tools/cli/toml_text.h"

#include <catch2/catch.hpp>

#include <string>

#include "base/document/schema.h"

namespace callboard::cli::toml_text_test {
namespace {

using Catch::Contains;

std::string json_of(std::string_view toml) {
  const auto value = value_from_toml(toml);
  return value ? document::print(**value) : value.error().text;
}

}  // namespace

TEST_CASE("a schema in TOML says what the same in JSON says") {
  const auto value = value_from_toml(R"(
# Reviews of shots.
[[classes]]
name = "review"
write = "any"

  [[classes.fields]]
  name = "status"
  type = "text"
  required = true

  [[classes.fields]]
  name = "takes"
  type = "int"
  default = 1

[[classes]]
name = "node"
life = "session"
fields = [{name = "load", type = "float", default = 0.5}, {name = "jobs", type = "list", default = []}]
)");
  REQUIRE(value);
  const auto schema = document::Schema::from(document::print(**value));
  REQUIRE(schema);
  const auto same = document::Schema::from(R"({"classes":[
    {"name":"review","write":"any","fields":[{"name":"status","type":"text","required":true},
      {"name":"takes","type":"int","default":1}]},
    {"name":"node","life":"session","fields":[{"name":"load","type":"float","default":0.5},
      {"name":"jobs","type":"list","default":[]}]}]})");
  REQUIRE(same);
  CHECK(schema->print() == same->print());
}

TEST_CASE("what is no TOML, or has no JSON, is said with its line") {
  CHECK_THAT(json_of("a = 1\nb = = 2"), Contains("line 2: "));
  CHECK_THAT(json_of("a = 1\n\nb = 2026-11-24"), Contains("line 3: a date"));
  CHECK_THAT(json_of("a = inf"), Contains("line 1: expected a number, got inf or nan"));
  CHECK_THAT(json_of("a = \"\xff\""), Contains("line 1: "));
  std::string deep = "a = ";
  for (int i = 0; i < 40; ++i) deep += '[';
  for (int i = 0; i < 40; ++i) deep += ']';
  CHECK_THAT(json_of(deep), Contains("nested too deep"));
  CHECK(json_of("a = true\nb = -3") == R"({"a":true,"b":-3})");
}

}  // namespace callboard::cli::toml_text_test
