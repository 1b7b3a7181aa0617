#include "server/newest_then.h"

#include <algorithm>
#include <utility>

namespace callboard::server {

void NewestThen::start(Instant now, const Stamp& newest) {
  newest_ = {{now, newest}};
  is_from_start_ = true;
}

void NewestThen::note(Instant now, const Stamp& stamp) {
  if (!newest_.empty() && stamp <= newest_.back().stamp) return;
  newest_.push_back({now, stamp});
  if (newest_.size() > kRemembered) thin_out();
}

// The newer half stays as it is.
void NewestThen::thin_out() {
  std::deque<Since> kept;
  const std::size_t half = newest_.size() / 2;
  for (std::size_t i = 0; i < newest_.size(); ++i) {
    if (i >= half || kept.empty() || newest_[i].since - kept.back().since >= 1s) kept.push_back(newest_[i]);
  }
  while (kept.size() > kRemembered / 4 * 3) {
    kept.pop_front();
    is_from_start_ = false;
  }
  newest_ = std::move(kept);
}

Stamp NewestThen::at(Instant moment) const {
  const auto later = std::ranges::upper_bound(newest_, moment, {}, &Since::since);
  if (later != newest_.begin()) return std::prev(later)->stamp;
  if (!is_from_start_) return {};
  const auto earlier = std::chrono::duration_cast<std::chrono::milliseconds>(later->since - moment);
  return Stamp{{later->stamp.time.ms - earlier.count()}, 0, {}, {}};
}

}  // namespace callboard::server
