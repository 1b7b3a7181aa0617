#include "base/clock.h"

#include <catch2/catch.hpp>

namespace callboard::clock_test {
namespace {

TEST_CASE("times are shown in UTC with milliseconds") {
  CHECK(to_iso(Timestamp{0}) == "1970-01-01T00:00:00.000Z");
  CHECK(to_iso(Timestamp{1'795'269'143'123}) == "2026-11-21T13:52:23.123Z");
  CHECK(to_iso(Timestamp{951'782'400'000}) == "2000-02-29T00:00:00.000Z");
}

TEST_CASE("times before 1970 round towards the past like all others") {
  CHECK(to_iso(Timestamp{-1}) == "1969-12-31T23:59:59.999Z");
  CHECK(to_iso(Timestamp{-999}) == "1969-12-31T23:59:59.001Z");
  CHECK(to_iso(Timestamp{-1000}) == "1969-12-31T23:59:59.000Z");
  CHECK(to_iso(Timestamp{-1001}) == "1969-12-31T23:59:58.999Z");
}

TEST_CASE("a time that no calendar holds is said to be none") {
  CHECK_FALSE(to_iso(Timestamp{INT64_MAX}).empty());
  CHECK_FALSE(to_iso(Timestamp{INT64_MIN}).empty());
}

TEST_CASE("the time of day has two digits for each part") {
  CHECK(to_local_time_of_day(Timestamp{0}).size() == 8);
}

TEST_CASE("the monotonic clock does not go back") {
  const Instant before = system_clock().monotonic();
  CHECK(system_clock().monotonic() >= before);
}

}  // namespace
}  // namespace callboard::clock_test
