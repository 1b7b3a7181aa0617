#include "client/squeeze_policy.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace callboard::client {
namespace {

// Less than any clock shows.
constexpr double kSecondsMin = 1e-9;

double rate_of(std::uint64_t bytes, double seconds) {
  return static_cast<double>(bytes) / std::max(seconds, kSecondsMin);
}

}  // namespace

bool RateWindows::add(std::uint64_t bytes, double seconds) {
  current_.bytes += bytes;
  current_.seconds += seconds;
  if (current_.bytes < kWindowBytes && current_.seconds < kWindowSeconds) return false;
  windows_[ended_++ % windows_.size()] = std::exchange(current_, {});
  return true;
}

double RateWindows::Window::rate() const { return rate_of(bytes, seconds); }

double RateWindows::median() const {
  const auto back = [&](std::uint64_t count) { return windows_[(ended_ - count) % windows_.size()].rate(); };
  const auto [lower, upper] = std::minmax({back(1), back(2)});
  return std::clamp(back(3), lower, upper);
}

double RateWindows::mean() const {
  const auto count = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(ended_, windows_.size()));
  const auto* slowest =
      std::min_element(windows_.begin(), windows_.begin() + count,
                       [](const Window& a, const Window& b) { return a.rate() < b.rate(); });
  Window sum;
  for (const auto* window = windows_.begin(); window != windows_.begin() + count; ++window) {
    if (window == slowest) continue;
    sum.bytes += window->bytes;
    sum.seconds += window->seconds;
  }
  return sum.rate();
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
  if (squeezed_.mean() < kGain * plain_.median()) {
    const int hold = next_hold_;
    next_hold_ = std::clamp(2 * next_hold_, kHoldMin, kHoldMax);
    return go_plain(hold);
  }
  next_hold_ = 0;
  if (waited_for_ >= kProbeAfter) go_plain(0);
}

void SqueezePolicy::go_plain(int hold) {
  is_on_ = false;
  hold_ = hold;
  plain_.clear();
}

}  // namespace callboard::client
