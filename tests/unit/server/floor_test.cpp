#include "server/floor.h"

#include <catch2/catch.hpp>

namespace callboard::server::floor_test {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kNow{1'000'000};

TEST_CASE("a client's time is brought into the server's, and not into its future") {
  CHECK(corrected({500'000}, 100s, kNow).ms == 600'000);
  CHECK(corrected({500'000}, -100s, kNow).ms == 400'000);
  CHECK(corrected({999'999}, 100s, kNow) == kNow);
  CHECK(corrected({2'000'000}, 0ms, kNow) == kNow);
  CHECK(corrected({1}, -100s, kNow).ms == 0);
}

TEST_CASE("an offset that may be an error of measuring counts as none") {
  CHECK(corrected({500'000}, 50ms, kNow).ms == 500'000);
  CHECK(corrected({500'000}, -50ms, kNow).ms == 500'000);
  CHECK(corrected({500'000}, 51ms, kNow).ms == 500'051);
  CHECK(corrected({500'000}, -51ms, kNow).ms == 499'949);
}

}  // namespace
}  // namespace callboard::server::floor_test
