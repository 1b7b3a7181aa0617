#include "client/squeeze_policy.h"

#include <algorithm>

namespace callboard::client {
namespace {

// Less than any clock shows.
constexpr double kSecondsMin = 1e-9;

double rate_of(std::uint64_t bytes, double seconds) {
  return static_cast<double>(bytes) / std::max(seconds, kSecondsMin);
}

}  // namespace

bool RateWindows::add(std::uint64_t bytes, double seconds) {
  bytes_ += bytes;
  seconds_ += seconds;
  if (bytes_ < kWindowBytes && seconds_ < kWindowSeconds) return false;
  rates_[ended_++ % rates_.size()] = rate_of(bytes_, seconds_);
  bytes_ = 0;
  seconds_ = 0;
  return true;
}

double RateWindows::median() const {
  const auto [lower, upper] = std::minmax({rates_[0], rates_[1]});
  return std::clamp(rates_[2], lower, upper);
}

void SqueezePolicy::on_sent(const SqueezeSample& sample) {
  if (!is_measuring()) return;
  if (!is_on_) return on_plain(sample);
  // What does not become shorter is sent as it is, and says nothing of how the rest goes.
  if (sample.is_squeezed) on_squeezed(sample);
}

void SqueezePolicy::on_plain(const SqueezeSample& sample) {
  if (!plain_.add(sample.content_bytes, sample.seconds)) return;
  hold_ = std::max(hold_ - 1, 0);
  if (hold_ > 0 || plain_.ended() < 3 || plain_.median() >= kPays * squeeze_rate_) return;
  is_on_ = true;
  squeezed_.clear();
  waited_for_ = 0;
}

void SqueezePolicy::on_squeezed(const SqueezeSample& sample) {
  window_bytes_ += sample.content_bytes;
  window_seconds_ += sample.seconds;
  window_squeeze_seconds_ += sample.squeeze_seconds;
  if (!squeezed_.add(sample.content_bytes, sample.seconds)) return;
  squeeze_rate_ = rate_of(window_bytes_, window_squeeze_seconds_);
  waited_for_ = window_squeeze_seconds_ > kWaitedFor * window_seconds_ ? waited_for_ + 1 : 0;
  window_bytes_ = 0;
  window_seconds_ = window_squeeze_seconds_ = 0;
  if (squeezed_.ended() < kTried) return;
  if (squeezed_.median() < kGain * plain_.median()) {
    const int hold = next_hold_;
    next_hold_ = std::min(2 * next_hold_, kHoldMax);
    return go_plain(hold);
  }
  next_hold_ = kHoldMin;
  if (waited_for_ >= kProbeAfter) go_plain(0);
}

void SqueezePolicy::go_plain(int hold) {
  is_on_ = false;
  hold_ = hold;
  plain_.clear();
}

}  // namespace callboard::client
