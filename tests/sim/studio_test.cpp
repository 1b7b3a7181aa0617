#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/sim/studio.h"

// CALLBOARD_SEED=N replays one run and tells it on stderr; CALLBOARD_SIM_SECONDS=3600 goes on with seeds for an hour.
namespace callboard::sim::studio_test {
namespace {

// A few more than suffice to find each of the bugs that were planted (docs/architecture.md).
#ifdef CALLBOARD_ASAN
// Memory that is used wrongly shows in few; each costs six times as much.
constexpr std::uint64_t kSeeds = 240;
constexpr std::uint64_t kBoardSeeds = 120;
#else
constexpr std::uint64_t kSeeds = 1400;
constexpr std::uint64_t kBoardSeeds = 700;
#endif

void add(Studio::Totals& sum, const Studio::Totals& one) {
  sum.operations += one.operations;
  sum.acknowledged += one.acknowledged;
  sum.shown += one.shown;
  sum.faults += one.faults;
  sum.crashes += one.crashes;
  sum.seconds += one.seconds;
}

Studio::Totals play(std::uint64_t seed, bool is_told, Studio::Work work) {
  Studio studio(seed, is_told, work);
  studio.run();
  INFO("replay with CALLBOARD_SEED=" << seed);
  CHECK(studio.violations() == std::vector<std::string>{});
  return studio.totals();
}

void play_all(std::uint64_t seeds, Studio::Work work) {
  if (const char* given = std::getenv("CALLBOARD_SEED")) {
    play(std::strtoull(given, nullptr, 10), true, work);
    return;
  }
  const char* asked = std::getenv("CALLBOARD_SIM_SECONDS");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(asked ? std::atoi(asked) : 0);
  Studio::Totals totals;
  std::uint64_t seed = 0;
  while (asked ? std::chrono::steady_clock::now() < end : seed < seeds)
    add(totals, play(++seed, false, work));
  std::printf(
      "%llu seeds: %.0f virtual s, %llu operations, %llu acknowledged, %llu shown, %llu faults, %llu of "
      "them kills of the server\n",
      static_cast<unsigned long long>(seed), totals.seconds,
      static_cast<unsigned long long>(totals.operations),
      static_cast<unsigned long long>(totals.acknowledged), static_cast<unsigned long long>(totals.shown),
      static_cast<unsigned long long>(totals.faults), static_cast<unsigned long long>(totals.crashes));
  CHECK(totals.acknowledged > 5 * seed);
  CHECK(totals.faults > 2 * seed);
}

}  // namespace

TEST_CASE("whatever goes wrong, what was acknowledged stays and all boards become one") {
  play_all(kSeeds, Studio::Work::documents);
}

TEST_CASE("whatever goes wrong, records, zones, locks and calls are what everybody was told") {
  play_all(kBoardSeeds, Studio::Work::board);
}

TEST_CASE("a seed is the same run every time") {
  const auto hash_of = [](std::uint64_t seed, Studio::Work work) {
    Studio studio(seed, false, work);
    studio.run();
    return studio.trace_hash();
  };
  for (const auto work : {Studio::Work::documents, Studio::Work::board}) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) CHECK(hash_of(seed, work) == hash_of(seed, work));
    CHECK(hash_of(1, work) != hash_of(2, work));
  }
}

}  // namespace callboard::sim::studio_test
