#pragma once

#include <stdlib.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>

namespace callboard::e2e {

// Moments by chance, from a seed, which is printed; CALLBOARD_SEED=N repeats them.
class Moments {
 public:
  Moments() {
    const char* given = getenv("CALLBOARD_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    random_.seed(seed_);
    std::printf("seed: CALLBOARD_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }
  std::uint64_t seed() const { return seed_; }
  // Evenly between nothing and all of it.
  std::chrono::microseconds within(std::chrono::microseconds all) {
    return std::chrono::microseconds(random_() % static_cast<std::uint64_t>(all.count() + 1));
  }
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

 private:
  std::uint64_t seed_ = 0;
  std::mt19937_64 random_;
};

}  // namespace callboard::e2e
