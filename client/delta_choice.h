#pragma once

#include <algorithm>
#include <cstdint>

#include "sync/chunk_list.h"

namespace callboard::client {

// What is known of a file when it has to be decided whether it comes as chunks or whole. Pure.
struct DeltaCosts {
  std::uint64_t size_bytes = 0;      // All that is missing of it …
  std::uint64_t wanted_bytes = 0;    // … and what of that the older version does not have.
  std::uint64_t ranges = 0;          // In which it lies.
  std::uint64_t to_chunk_bytes = 0;  // Of the older version, to be read and cut first.
  double link_rate = 0;              // Bytes a second, see LinkRate.
};

// Bytes a second on one core of a machine of 2020 from its page cache, and what a range costs both sides. They stand for
// ratios: that they are all twice as high elsewhere changes no choice.
inline constexpr double kChunkRate = 1.5e9;
inline constexpr double kCopyRate = 1.6e9;   // Read, hash and write.
inline constexpr double kWholeRate = 1.0e9;  // From socket to disk when the link is faster than that.
inline constexpr double kRangeSeconds = 20e-6;
// Where nothing is known, 1 Gbit/s: the usual LAN.
inline constexpr double kUsualLinkRate = 118e6;
// Less than this says nothing of a rate: of all that came on a connection, and of a list of chunks.
inline constexpr std::uint64_t kRateBytesMin = 16'000'000;
inline constexpr std::uint64_t kBurstBytesMin = 128'000;
// Estimates are rough: chunks must be a tenth cheaper.
inline constexpr double kMargin = 0.9;

// How fast the link is, from what came on it up to the end of a list of chunks. Pure.
class LinkRate {
 public:
  // The next part of the list came, `seconds` after the transfer began, when all in all `received_bytes` had come.
  void on_part(bool is_kept, double seconds, std::uint64_t received_bytes) {
    if (!has_begun_) begin(seconds, received_bytes);
    if (!is_kept) return;
    burst_bytes_ = received_bytes - began_at_bytes_;
    burst_seconds_ = seconds - began_at_seconds_;
  }
  // A list that was kept tells. What came before one, in whatever pauses, shows what the link can do at least; how long it
  // takes to make a list shows nothing.
  double bytes_a_second() const {
    if (burst_bytes_ >= kBurstBytesMin)
      return static_cast<double>(burst_bytes_) / std::max(burst_seconds_, 1e-6);
    return std::max(at_least_, kUsualLinkRate);
  }

 private:
  void begin(double seconds, std::uint64_t received_bytes) {
    has_begun_ = true;
    began_at_seconds_ = seconds;
    began_at_bytes_ = received_bytes;
    if (received_bytes >= kRateBytesMin && seconds > 0)
      at_least_ = static_cast<double>(received_bytes) / seconds;
  }

  bool has_begun_ = false;
  double began_at_seconds_ = 0;
  std::uint64_t began_at_bytes_ = 0;
  double at_least_ = 0;
  std::uint64_t burst_bytes_ = 0;
  double burst_seconds_ = 0;
};

// Whether the beginning of a file tells of all of it: what was saved anew is changed all over. Behind one long stretch, put in
// or as it was, anything may come.
inline bool is_changed_all_over(const sync::DeltaPlan& begin) {
  std::uint64_t all = 0;
  std::uint64_t longest = 0;
  for (const sync::DeltaSegment& segment : begin.segments) {
    all += segment.size_bytes;
    longest = std::max(longest, segment.size_bytes);
  }
  return longest <= all / 2;
}

inline bool delta_pays(const DeltaCosts& costs) {
  const double rate = std::min(costs.link_rate, kWholeRate);
  const auto seconds = [](std::uint64_t bytes, double per_second) {
    return static_cast<double>(bytes) / per_second;
  };
  const double whole = seconds(costs.size_bytes, rate);
  const double delta = seconds(costs.to_chunk_bytes, kChunkRate) + seconds(costs.wanted_bytes, rate) +
                       seconds(costs.size_bytes - costs.wanted_bytes, kCopyRate) +
                       static_cast<double>(costs.ranges) * kRangeSeconds;
  return delta < whole * kMargin;
}

}  // namespace callboard::client
