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
  if (hold_ > 0 || !is_link_slow()) return;
  is_on_ = true;
  squeezed_.clear();
  waited_for_ = 0;
}

// With the window that has just ended.
bool SqueezePolicy::is_link_slow() {
  if (rate_of(plain_.last_bytes(), plain_.last_seconds()) >= kPays * squeeze_rate_) {
    forget_slow();
    if (is_probing_ && ++fast_windows_ < kFastWindowsAgain) return false;
    is_probing_ = false;
    probe_after_ = kProbeMin;
    return false;
  }
  fast_windows_ = 0;
  slow_windows_ += 1;
  slow_bytes_ += plain_.last_bytes();
  slow_seconds_ += plain_.last_seconds();
  const int enough = is_probing_ ? kSlowWindowsAgain : kSlowWindows;
  return slow_windows_ >= enough || (slow_windows_ >= kSlowWindowsMin && slow_seconds_ >= kSlowSeconds);
}

void SqueezePolicy::forget_slow() {
  slow_windows_ = 0;
  slow_bytes_ = 0;
  slow_seconds_ = 0;
}

double SqueezePolicy::plain_rate() const { return rate_of(slow_bytes_, slow_seconds_); }

void SqueezePolicy::on_squeezed(const SqueezeSample& sample) {
  squeeze_seconds_ += sample.squeeze_seconds;
  if (!squeezed_.add(sample.content_bytes, sample.seconds)) return;
  const double squeezing = std::exchange(squeeze_seconds_, 0);
  squeeze_rate_ = rate_of(squeezed_.last_bytes(), squeezing);
  waited_for_ = squeezing > kWaitedFor * squeezed_.last_seconds() ? waited_for_ + 1 : 0;
  if (squeezed_.ended() < kTried) return;
  if (squeezed_.mean() < kGain * plain_rate()) {
    const int hold = next_hold_;
    next_hold_ = std::clamp(2 * next_hold_, kHoldMin, kHoldMax);
    return go_plain(hold);
  }
  next_hold_ = 0;
  if (waited_for_ < probe_after_) return;
  probe_after_ = std::min(2 * probe_after_, kProbeMax);
  go_plain(0);
  is_probing_ = true;
}

void SqueezePolicy::go_plain(int hold) {
  is_on_ = false;
  is_probing_ = false;
  fast_windows_ = 0;
  hold_ = hold;
  // What was measured while the machine was busy must not keep it off for good.
  squeeze_rate_ = std::max(squeeze_rate_, kSqueezeRate / 2);
  plain_.clear();
  forget_slow();
}

}  // namespace callboard::client
