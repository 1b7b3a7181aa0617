#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/sim/studio.h"

// CALLBOARD_SEED=N replays one run and tells it on stderr; CALLBOARD_SIM_SECONDS=3600 goes on with seeds for an hour.
namespace callboard::sim {
namespace {

// A few more than suffice to find each of the bugs that were planted (docs/architecture.md).
#ifdef CALLBOARD_ASAN
// Memory that is used wrongly shows in few; each costs six times as much.
constexpr std::uint64_t kSeeds = 400;
#else
constexpr std::uint64_t kSeeds = 2000;
#endif

void add(Studio::Totals& sum, const Studio::Totals& one) {
  sum.operations += one.operations;
  sum.acknowledged += one.acknowledged;
  sum.shown += one.shown;
  sum.faults += one.faults;
  sum.crashes += one.crashes;
  sum.seconds += one.seconds;
}

Studio::Totals play(std::uint64_t seed, bool is_told) {
  Studio studio(seed, is_told);
  studio.run();
  INFO("replay with CALLBOARD_SEED=" << seed);
  CHECK(studio.violations() == std::vector<std::string>{});
  return studio.totals();
}

}  // namespace

TEST_CASE("whatever goes wrong, what was acknowledged stays and all boards become one") {
  if (const char* given = std::getenv("CALLBOARD_SEED")) {
    play(std::strtoull(given, nullptr, 10), true);
    return;
  }
  const char* asked = std::getenv("CALLBOARD_SIM_SECONDS");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(asked ? std::atoi(asked) : 0);
  Studio::Totals totals;
  std::uint64_t seed = 0;
  while (asked ? std::chrono::steady_clock::now() < end : seed < kSeeds) add(totals, play(++seed, false));
  std::printf(
      "%llu seeds: %.0f virtual s, %llu operations, %llu acknowledged, %llu documents shown, %llu faults, "
      "%llu of them kills of the server\n",
      static_cast<unsigned long long>(seed), totals.seconds,
      static_cast<unsigned long long>(totals.operations),
      static_cast<unsigned long long>(totals.acknowledged), static_cast<unsigned long long>(totals.shown),
      static_cast<unsigned long long>(totals.faults), static_cast<unsigned long long>(totals.crashes));
  CHECK(totals.acknowledged > 5 * seed);
  CHECK(totals.faults > 2 * seed);
}

TEST_CASE("a seed is the same run every time") {
  const auto hash_of = [](std::uint64_t seed) {
    Studio studio(seed, false);
    studio.run();
    return studio.trace_hash();
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) CHECK(hash_of(seed) == hash_of(seed));
  CHECK(hash_of(1) != hash_of(2));
}

}  // namespace callboard::sim
