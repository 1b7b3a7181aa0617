#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace callboard {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;

// For texts: what is left of a second is dropped.
constexpr std::int64_t whole_seconds(Duration duration) {
  return std::chrono::floor<std::chrono::seconds>(duration).count();
}

// Monotonic time, for deadlines. Only differences mean anything; machines receive it as `now` and never ask a clock.
struct MonotonicTag {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicTag>;
};
using Instant = std::chrono::time_point<MonotonicTag>;

// Wall-clock time: milliseconds since 1970-01-01 UTC. What writes are arbitrated by.
struct Timestamp {
  std::int64_t ms = 0;
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

// "2026-11-21T13:52:23.123Z".
std::string to_iso(Timestamp timestamp);
// "13:52:23" in the machine's own time zone, for a person reading a log.
std::string to_local_time_of_day(Timestamp timestamp);

// Where time comes from; simulations pass their own. Thread: any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp wall() const = 0;
  virtual Instant monotonic() const = 0;
};

// The operating system's clocks. Lives for ever.
const Clock& system_clock();

}  // namespace callboard
