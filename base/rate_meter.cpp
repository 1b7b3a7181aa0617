#include "base/rate_meter.h"

#include <chrono>

namespace callboard {

namespace {

constexpr Duration kSamplePeriod = 100ms;

}  // namespace

void RateMeter::add(Instant now, std::uint64_t bytes_done) {
  const std::size_t count = samples_.size();
  if (count > 1 && now - samples_[count - 2].first < kSamplePeriod) {
    samples_.back() = {now, bytes_done};
  } else {
    samples_.emplace_back(now, bytes_done);
  }
  while (samples_.size() > 2 && now - samples_[1].first >= kWindow) samples_.pop_front();
}

std::uint64_t RateMeter::bytes_per_second() const {
  if (samples_.size() < 2) return 0;
  const std::chrono::duration<double> time = samples_.back().first - samples_.front().first;
  const auto [first, last] = std::pair(samples_.front().second, samples_.back().second);
  if (time.count() <= 0 || last <= first) return 0;
  return static_cast<std::uint64_t>(static_cast<double>(last - first) / time.count());
}

}  // namespace callboard
