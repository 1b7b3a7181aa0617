#include <catch2/catch.hpp>

#include "base/document/parse.h"
#include "base/document/schema.h"

namespace callboard::document::schema_test {
namespace {

constexpr const char* kReview =
    R"({"classes":[{"name":"review","told":"zone","life":"disk","write":"any","fields":[
  {"name":"status","type":"text","required":true},
  {"name":"takes","type":"int","default":1},
  {"name":"votes","type":"int","computed":true},
  {"name":"note","type":"text"}]}]})";

Schema schema_of(std::string_view json) {
  auto schema = Schema::from(json);
  REQUIRE(schema);
  return *schema;
}

std::string error_of(std::string_view json) {
  const auto schema = Schema::from(json);
  return schema ? "" : schema.error().text;
}

std::string class_error(const std::string& rest) {
  return error_of(R"({"classes":[{"name":"review")" + rest + "}]}");
}

std::string field_error(const std::string& rest) {
  return class_error(R"(,"fields":[{"name":"status")" + rest + "}]");
}

const RecordClass& review() {
  static const Schema schema = schema_of(kReview);
  return *schema.find("review");
}

std::string whole(const char* given, Writer writer = Writer::anybody) {
  const auto fields = whole_fields(review(), *parse(given), writer);
  return fields ? print(**fields) : fields.error().text;
}

std::string set(const char* given, Writer writer = Writer::anybody) {
  const auto good = check_fields(review(), *parse(given), writer);
  return good ? "good" : good.error().text;
}

}  // namespace

TEST_CASE("a schema file that makes no sense is refused, naming class and field") {
  CHECK(error_of("[]") == "schema: expected an object with \"classes\", got []");
  CHECK(error_of("{}") == "classes: missing");
  CHECK(error_of(R"({"classes":[1]})") == "class 1: class: expected an object, got 1");
  CHECK(error_of(R"({"classes":[{"fields":[]}]})") == "class 1: name: missing");
  CHECK(class_error("") == "class \"review\": fields: missing");
  CHECK(class_error(R"(,"fields":[],"life":"long")") ==
        "class \"review\": life: expected one of event, session, memory, disk, got \"long\"");
  CHECK(class_error(R"(,"fields":[],"lives":"disk")") ==
        "class \"review\": \"lives\": there is nothing of that name in a schema");
  CHECK(field_error("") == "class \"review\": field \"status\": type: missing");
  CHECK(field_error(R"(,"type":"string")") ==
        "class \"review\": field \"status\": type: expected one of bool, int, float, text, bytes, time, id, "
        "list, map, "
        "json, user, item, got \"string\"");
  CHECK(field_error(R"(,"type":"int","default":"1")") ==
        "class \"review\": field \"status\": default: expected int, got \"1\"");
  CHECK(field_error(R"(,"type":"int","required":1)") ==
        "class \"review\": field \"status\": required: expected true or false, got 1");
  CHECK(field_error(R"(,"type":"int"},{"name":"status","type":"int")") ==
        "class \"review\": field \"status\": there are two of that name");
  CHECK(field_error(R"(,"type":"int","computed":true,"write":"lead")") ==
        "class \"review\": field \"status\": computed: expected without write");
  CHECK(field_error(R"(,"type":"int","computed":true,"required":true)") ==
        "class \"review\": field \"status\": computed: expected without required");
  CHECK(field_error(R"(,"type":"int","computed":false,"required":true,"write":"lead")").empty());
  CHECK(error_of(R"({"classes":[{"name":"lock","fields":[]}]})") ==
        "class \"lock\": every server has one of that name");
}

TEST_CASE("a permission that nobody can have is refused where a schema names it, by class, field and word") {
  const std::string why = ": expected 1-64 of a-z, 0-9, '.', '_' and '-'";
  CHECK(class_error(R"(,"fields":[],"write":"Lead")") ==
        "class \"review\": write: permission \"Lead\"" + why);
  CHECK(class_error(R"(,"fields":[],"enter":"")") == "class \"review\": enter: permission \"\"" + why);
  CHECK(field_error(R"(,"type":"int","write":"review approve")") ==
        "class \"review\": field \"status\": write: permission \"review approve\"" + why);
  CHECK(field_error(R"(,"type":"int","write":1)") ==
        "class \"review\": field \"status\": write: expected the name of a permission, got 1");
  CHECK(field_error(R"(,"type":"int","write":"review.approve")").empty());
  for (const char* who : {"any", "owner", "server", "td-2_x"})
    CHECK(class_error(R"(,"fields":[],"write":")" + std::string(who) + "\"").empty());
}

TEST_CASE("an event is told to a zone or it is none") {
  CHECK(class_error(R"(,"fields":[],"life":"event","told":"owner")") ==
        "class \"review\": told: expected zone, since it is an event, got owner");
  CHECK(class_error(R"(,"fields":[],"told":"none","life":"event")") ==
        "class \"review\": told: expected zone, since it is an event, got none");
  CHECK(class_error(R"(,"fields":[],"life":"event")").empty());
  CHECK(class_error(R"(,"fields":[],"life":"session","told":"owner")").empty());
}

TEST_CASE("a schema prints as it can be read again, and its hash follows what it says") {
  const Schema schema = schema_of(kReview);
  const Schema again = schema_of(schema.print());
  CHECK(again.print() == schema.print());
  CHECK(again.hash() == schema.hash());
  CHECK(Schema::built_in().print() == R"({"classes":[]})");
  CHECK_FALSE(schema.hash() == Schema::built_in().hash());
  for (const char* name : {"event", "lock", "service", "state", "review"})
    CHECK(schema.find(name) != nullptr);
  CHECK(schema.find("shot") == nullptr);
}

TEST_CASE("a record is made with what is given and the defaults") {
  CHECK(whole(R"({"status":"open"})") == R"({"status":"open","takes":1})");
  CHECK(whole(R"({"note":"x","status":"open","takes":3})") == R"({"status":"open","takes":3,"note":"x"})");
  CHECK(whole(R"({"status":"open","note":null})") == R"({"status":"open","takes":1})");
  CHECK(whole(R"({"status":"open","takes":null})") == R"({"status":"open","takes":1})");
  CHECK(whole("{}") == "class \"review\": field \"status\": it is required: expected text");
  CHECK(whole(R"({"status":1})") == "class \"review\": field \"status\": expected text, got 1");
  CHECK(whole(R"({"status":"a","state":1})") ==
        "class \"review\": field \"state\": there is none of that name");
  CHECK(whole("[]") == "class \"review\": fields: expected an object, got []");
}

TEST_CASE("what the server computes nobody else writes") {
  CHECK(whole(R"({"status":"open","votes":3})") ==
        "class \"review\": field \"votes\": the server computes it: nobody else writes it");
  CHECK(whole(R"({"status":"open","votes":3})", Writer::server) ==
        R"({"status":"open","takes":1,"votes":3})");
  CHECK(set(R"({"votes":3})") != "good");
  CHECK(set(R"({"votes":3})", Writer::server) == "good");
}

TEST_CASE("fields are set by themselves, and taken away by null unless they are required") {
  CHECK(set(R"({"note":"x"})") == "good");
  CHECK(set(R"({"note":null})") == "good");
  CHECK(set(R"({"status":null})") ==
        "class \"review\": field \"status\": it is required: expected text, got null");
  CHECK(set(R"({"takes":null})") == "good");
  const Schema schema = schema_of(kReview);
  const RecordClass& review = *schema.find("review");
  CHECK(print(*with_defaults(review, *parse(R"({"note":null,"takes":null})"))) ==
        R"({"note":null,"takes":1})");
  CHECK(print(*with_defaults(review, *parse(R"({"note":null})"))) == R"({"note":null})");
  const auto merged = merged_fields(*parse(R"({"a":1,"b":2})"), *parse(R"({"b":3,"c":4,"a":null})"));
  CHECK(print(*merged) == R"({"b":3,"c":4})");
}

TEST_CASE("a record of 64 KiB is taken, and one byte more is not") {
  const auto with_note = [](std::size_t size) {
    return R"({"status":"","note":")" + std::string(size - 23, 'x') + "\"}";
  };
  REQUIRE(with_note(kRecordMax).size() == kRecordMax);
  CHECK(set(with_note(kRecordMax).c_str()) == "good");
  CHECK(set(with_note(kRecordMax + 1).c_str()) ==
        "class \"review\": fields: expected at most 64.0 KiB, got 64.0 KiB");
}

}  // namespace callboard::document::schema_test
