#include "server/floor.h"

#include <algorithm>
#include <utility>

namespace callboard::server {

Timestamp corrected(Timestamp client, std::chrono::milliseconds offset, Timestamp now) {
  // Beyond this a clock is a lie; the bound keeps the sum from overflowing. The offset is bounded by the join.
  constexpr std::int64_t kClockMaxMs = std::int64_t{1} << 48;
  // What busy machines err by when they measure: a clock so close is right, and equal times of two of them stay equal.
  constexpr auto kMeasuringError = 50ms;
  if (std::chrono::abs(offset) <= kMeasuringError) offset = 0ms;
  const std::int64_t ms = std::clamp(client.ms, -kClockMaxMs, kClockMaxMs) + offset.count();
  // No time on the wire is before 1970: one that an offset takes there would be told to everybody.
  return Timestamp{std::min(std::max(ms, std::int64_t{0}), now.ms)};
}

bool set_copy(Floor& floor, const Identity& who, const std::string& item, Timestamp timestamp) {
  const Timestamp wall = floor.clock.wall();
  const Instant now = floor.clock.monotonic();
  const Timestamp changed = corrected(timestamp, who.clock_offset, wall);
  return floor.assets.set(who.id, item, changed,
                          {now - std::chrono::milliseconds(wall.ms - changed.ms), now});
}

std::chrono::milliseconds followed(std::chrono::milliseconds offset,
                                   const protocol::server_action::ClockTold& told, Timestamp now) {
  using std::chrono::milliseconds;
  // A way that took longer says little; a clock that is off by more than this has been set.
  constexpr auto kRoundTripMax = 500ms;
  constexpr auto kJump = 2s;
  const milliseconds apart(now.ms - told.clock.ms);
  if (told.round_trip && *told.round_trip <= kRoundTripMax) {
    return apart - std::chrono::duration_cast<milliseconds>(*told.round_trip / 2);
  }
  return std::chrono::abs(apart - offset) > kJump ? apart : offset;
}

Operation make_operation(const Identity& who, Record record, UniqueId id, Document value) {
  Operation operation;
  operation.id = id;
  operation.session = who.id;
  operation.user = who.name;
  operation.record = record;
  operation.value = std::move(value);
  return operation;
}

}  // namespace callboard::server
