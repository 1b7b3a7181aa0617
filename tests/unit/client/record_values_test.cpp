#include "client/record_values.h"

#include <catch2/catch.hpp>

#include "base/document/parse.h"
#include "base/document/value_type.h"

namespace callboard::client::record_values_test {
namespace {

// Whether the value is written as `json`, which is of the type that a schema has for it, and read from it again.
template <class T>
bool is_written_as(const T& value, const std::string& json) {
  INFO(json);
  CHECK(to_json(value) == json);
  const auto type = document::value_type_from(type_name(static_cast<const T*>(nullptr)));
  REQUIRE(type);
  CHECK(document::check_type(*type, **document::parse(json)));
  T read{};
  return from_json(json, read) && read == value;
}

template <class T>
bool is_refused(const char* json) {
  T read{};
  return !from_json(json, read) && read == T{};
}

}  // namespace

TEST_CASE("a value in C++ is written as the type that a schema has for it, and read again") {
  CHECK(is_written_as(true, "true"));
  CHECK(is_written_as(std::int64_t{-3}, "-3"));
  CHECK(is_written_as(1.5, "1.5"));
  CHECK(is_written_as(std::string("a \"b\""), R"("a \"b\"")"));
  CHECK(is_written_as(Timestamp{1763733203123}, "1763733203123"));
  CHECK(is_written_as(UniqueId{1, 2}, R"("00000000000000010000000000000002")"));
  CHECK(is_written_as(SessionId{3}, R"("0000000000000003")"));
  CHECK(is_written_as(RawJson{R"({"a":1})"}, R"({"a":1})"));
  CHECK(is_written_as(UserName{"rigging"}, R"("rigging")"));
  CHECK(is_written_as(ItemPath{"/dev"}, R"("/dev")"));
  CHECK(is_written_as(std::vector<std::string>{"a", "b"}, R"(["a","b"])"));
  CHECK(is_written_as(std::map<std::string, double>{{"x", 1.5}, {"y", 2.5}}, R"({"x":1.5,"y":2.5})"));
  CHECK(is_written_as(std::map<std::string, std::int64_t>{}, "{}"));
  CHECK(is_written_as(std::optional<std::int64_t>(4), "4"));
}

TEST_CASE("what is of another kind is not read, and changes nothing") {
  CHECK(is_refused<bool>("1"));
  CHECK(is_refused<UniqueId>(R"("0000000000000003")"));
  CHECK(is_refused<SessionId>(R"("00000000000000010000000000000002")"));
  CHECK(is_refused<std::vector<std::int64_t>>(R"([1,"2"])"));
  using Counts = std::map<std::string, std::int64_t>;
  CHECK(is_refused<Counts>(R"({"a":"1"})"));
  CHECK(is_refused<Counts>("[]"));
}

}  // namespace callboard::client::record_values_test
