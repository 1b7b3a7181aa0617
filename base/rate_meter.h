#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "base/clock.h"

namespace callboard {

// The rate over the last few seconds, so that a pause shows and a slow start is forgotten. Pure: looked at as often as one
// likes, it keeps a sample every 100 ms at most.
class RateMeter {
 public:
  static constexpr Duration kWindow = 5s;

  // How many bytes were done in all by `now`; neither goes back.
  void add(Instant now, std::uint64_t bytes_done);
  // 0 until two different times were added.
  std::uint64_t bytes_per_second() const;

 private:
  std::deque<std::pair<Instant, std::uint64_t>> samples_;
};

}  // namespace callboard
