#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "net/loop.h"
#include "server/pace.h"

namespace callboard::server {

// What sessions may do, and how they share the loop's time. Loop thread only.
class Pacing {
 public:
  // The loop outlives it.
  Pacing(net::Loop& loop, PaceLimits limits) : loop_(loop), limits_(limits) {}

  const PaceLimits& limits() const { return limits_; }
  // Whether a session that has been at it since then has had its share of this turn of the loop.
  bool has_had_its_share(Instant since, Instant now);
  // Whether all have had theirs: who was held back before waits for the next turn.
  bool is_turn_over(Instant now) const;

 private:
  net::Loop& loop_;
  PaceLimits limits_;
  std::shared_ptr<std::optional<Instant>> turn_began_ = std::make_shared<std::optional<Instant>>();
};

}  // namespace callboard::server
