#include "base/id.h"

#include <catch2/catch.hpp>
#include <set>

namespace callboard::id_test {
namespace {

RandomSource always(std::uint64_t value) {
  return [value] { return value; };
}

TEST_CASE("a session opened later has the greater id, whatever chance says") {
  const SessionId early = make_session_id(Timestamp{1'795'269'143'123}, always(~0ULL));
  const SessionId late = make_session_id(Timestamp{1'795'269'143'124}, always(0));
  CHECK(early < late);
}

TEST_CASE("in the same millisecond the greater random part is the greater id") {
  const Timestamp now{1'795'269'143'123};
  CHECK(make_session_id(now, always(2)) < make_session_id(now, always(4)));
}

TEST_CASE("session ids are never zero, and in order until 2109") {
  CHECK(make_session_id(Timestamp{0}, always(0)));
  const Timestamp last{(std::int64_t{1} << 42) - 1};
  CHECK(make_session_id(Timestamp{last.ms - 1}, always(~0ULL)) < make_session_id(last, always(0)));
}

TEST_CASE("ids are read from the text they are shown as") {
  CHECK(to_text(SessionId{0x1f}) == "000000000000001f");
  CHECK(session_id_from("000000000000001f") == SessionId{0x1f});
  CHECK(to_text(UniqueId{0xab, 1}) == "00000000000000ab0000000000000001");
  CHECK(unique_id_from("00000000000000ab0000000000000001") == UniqueId{0xab, 1});
  CHECK(session_id_from("ffffffffffffffff") == SessionId{~0ULL});
}

TEST_CASE("what is no id is refused") {
  for (const std::string text : {"", "1f", "000000000000001F", "00000000000000001", "000000000000001g",
                                 "0000000000000000", " 00000000000001f"}) {
    INFO(text);
    CHECK_FALSE(session_id_from(text));
  }
  CHECK_FALSE(unique_id_from("000000000000001f"));
  CHECK_FALSE(unique_id_from(std::string(32, '0')));
  CHECK_FALSE(unique_id_from(std::string(31, '1') + "x"));
  CHECK_FALSE(unique_id_from(std::string(33, '1')));
}

TEST_CASE("unique ids do not repeat and are never zero") {
  const RandomSource random = system_random();
  std::set<UniqueId> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(make_unique_id(random));
  CHECK(ids.size() == 1000);
  CHECK(make_unique_id(always(0)));
}

TEST_CASE("ids of operations do not repeat, are never zero, and later ones are greater") {
  std::set<UniqueId> ids;
  const auto random = system_random();
  const Timestamp now{1'795'269'143'123};
  for (int i = 0; i < 1000; ++i) ids.insert(make_operation_id(now, random));
  CHECK(ids.size() == 1000);
  CHECK(*ids.rbegin() < make_operation_id(Timestamp{now.ms + 1}, always(0)));
  CHECK(to_text(make_operation_id(now, always(0x0123'4567'89ab'cdef))) == "01a1fe612a53cdef0123456789abcdef");
  CHECK(make_operation_id(Timestamp{0}, always(0)));
}

}  // namespace
}  // namespace callboard::id_test
