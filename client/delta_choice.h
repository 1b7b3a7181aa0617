#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace callboard::client {

// What is known of a file when it has to be decided whether it comes as chunks or whole. Pure.
struct DeltaCosts {
  std::uint64_t size_bytes = 0;      // All that is missing of it …
  std::uint64_t wanted_bytes = 0;    // … and what of that the older version does not have.
  std::uint64_t ranges = 0;          // In which it lies.
  std::uint64_t to_chunk_bytes = 0;  // Of the older version, to be read and cut first.
  std::optional<double> link_rate;   // Bytes a second; nullopt: not known yet.
};

// Bytes a second on one core of a machine of 2020 from its page cache, and what a range costs both sides. They stand for
// ratios: that they are all twice as high elsewhere changes no choice.
inline constexpr double kChunkRate = 1.5e9;
inline constexpr double kCopyRate = 1.6e9;   // Read, hash and write.
inline constexpr double kWholeRate = 1.0e9;  // From socket to disk when the link is faster than that.
inline constexpr double kRangeSeconds = 20e-6;
// Where nothing is known, 1 Gbit/s: the usual LAN.
inline constexpr double kUsualLinkRate = 118e6;
// Estimates are rough: chunks must be a tenth cheaper.
inline constexpr double kMargin = 0.9;

inline bool delta_pays(const DeltaCosts& costs) {
  const double rate = std::min(costs.link_rate.value_or(kUsualLinkRate), kWholeRate);
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
