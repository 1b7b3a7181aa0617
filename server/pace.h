#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/limits.h"

namespace callboard::server {

// What a session may do a second; 0: as much as it likes.
struct PaceLimits {
  std::uint64_t writes = kWritesPerSecond;
  std::uint64_t messages = kMessagesPerSecond;
  std::uint64_t asks = kAsksPerSecond;
};

// How fast one session does one kind of thing, against so many a second. A session that gets ahead is told, then held back
// to that rate, and ends when it was ahead for too long without a pause. Pure: told the time.
class Pace {
 public:
  enum class Verdict {
    fine,
    told,  // It is ahead: say so, once each time that it gets ahead.
    held,  // Do nothing of it before held_until().
    over,  // It was ahead for kPacePatience.
  };

  // 0: as fast as it likes.
  explicit Pace(std::uint64_t per_second);

  // One more is done at `now`, or what counts as so many.
  Verdict on_one(Instant now) { return on_some(1, now); }
  Verdict on_some(std::uint64_t count, Instant now);
  // What was done turned out to count as so many more. The next one done is told what follows.
  void add(std::uint64_t count, Instant now);
  // After `held`.
  Instant held_until() const { return due_ - (kPaceHeld - kPaceStep); }

 private:
  Duration each_{0};
  Instant due_;                   // When all that was done would be done at the rate.
  std::optional<Instant> since_;  // Ahead since then.
};

// Those of one session.
struct Paces {
  explicit Paces(const PaceLimits& limits)
      : writes(limits.writes), messages(limits.messages), asks(limits.asks) {}

  Pace writes;
  Pace messages;
  Pace asks;
};

}  // namespace callboard::server
