// Sessions that come and go, writes and pulls, as many in seconds as in hours of a studio's day: the server's memory stays where
// it is. CALLBOARD_SOAK_SECONDS=600: how long (default: 4, an hour's worth of what ten people do).
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/limits.h"
#include "tests/e2e/company.h"
#include "tests/e2e/stranger.h"
#include "tests/e2e/studio.h"

namespace callboard::e2e::soak_test {
namespace {

using namespace std::chrono_literals;

// What is kept grows to its limits at first: the newest messages, operations and revisions.
#ifdef CALLBOARD_ASAN
constexpr std::uint64_t kGrowthMax = 256 * MiB;
#else
constexpr std::uint64_t kGrowthMax = 16 * MiB;
#endif

std::chrono::seconds asked_duration() {
  const char* asked = std::getenv("CALLBOARD_SOAK_SECONDS");
  return std::chrono::seconds(asked != nullptr ? std::atoi(asked) : 4);
}

void come_and_go(const Studio& studio, std::uint64_t round) {
  Stranger orderly(studio.server_address(), 2);
  orderly.visit("visitor", studio.project());
  REQUIRE(orderly.wait_for<protocol::Yours>());
  orderly.say(protocol::MessageAsk{1, "hello", UniqueId{11, round + 1}});
  orderly.say(protocol::Yours{});
  REQUIRE(orderly.wait_for<protocol::Ok>());
  orderly.say(protocol::Bye{});
  // One that is cut off in the middle of something, and one that makes no sense.
  Stranger cut(studio.server_address(), 2);
  cut.visit("visitor", studio.project());
  cut.say(protocol::UsersAsk{1});
  Stranger(studio.server_address(), 2).send("garbage");
}

TEST_CASE("an hour's worth of coming, going, writing and pulling leaves the server's memory where it was") {
  Studio studio;
  studio.serve({"--log-level", "warn"});
  Company company(studio);
  const auto until = std::chrono::steady_clock::now() + asked_duration();
  // At the beginning, and after each quarter.
  std::vector<std::uint64_t> memory{resident_bytes_of(studio.server().id())};
  std::uint64_t round = 0;
  while (std::chrono::steady_clock::now() < until) {
    come_and_go(studio, ++round);
    const auto quarter = asked_duration() / 4 * static_cast<int>(memory.size());
    if (std::chrono::steady_clock::now() >= until - asked_duration() + quarter)
      memory.push_back(resident_bytes_of(studio.server().id()));
  }
  const RoundTrips trips = company.take();
  for (const std::string& failure : trips.failures) FAIL_CHECK(failure);
  memory.push_back(resident_bytes_of(studio.server().id()));
  std::printf("%llu came and went, %s; memory", static_cast<unsigned long long>(3 * round),
              trips.text().c_str());
  for (const std::uint64_t bytes : memory) std::printf(" %.1f", static_cast<double>(bytes) / MiB);
  std::printf(" MiB\n");
  CHECK(memory.back() <= memory.at(1) + kGrowthMax);
}

}  // namespace
}  // namespace callboard::e2e::soak_test
