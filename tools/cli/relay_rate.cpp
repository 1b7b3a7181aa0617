#include "tools/cli/relay_rate.h"

#include <charconv>

#include "base/limits.h"

namespace callboard::cli {
namespace {

// So little still moves a frame in 16 s, and every transfer gets its turn before the others take it for dead.
constexpr std::uint64_t kRateMin = 64 * KiB;
// No network is faster; beyond it the arithmetic would have to be watched.
constexpr std::uint64_t kRateMax = 1024 * GiB;

std::optional<std::uint64_t> unit_of(std::string_view letters) {
  if (letters.empty()) return 1;
  if (letters == "K") return KiB;
  if (letters == "M") return MiB;
  if (letters == "G") return GiB;
  return std::nullopt;
}

std::optional<std::uint64_t> rate_from(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{}) return std::nullopt;
  const auto unit = unit_of(text.substr(static_cast<std::size_t>(end - text.data())));
  if (!unit || number > kRateMax / *unit) return std::nullopt;
  const std::uint64_t rate = number * *unit;
  return rate == 0 || rate >= kRateMin ? std::optional(rate) : std::nullopt;
}

}  // namespace

std::optional<net::RelayLimits> relay_limits_from(std::string_view text) {
  const auto comma = text.find(',');
  const auto total = rate_from(text.substr(0, comma));
  const auto each =
      comma == std::string_view::npos ? std::optional<std::uint64_t>(0) : rate_from(text.substr(comma + 1));
  if (!total || !each) return std::nullopt;
  return net::RelayLimits{*total, *each};
}

}  // namespace callboard::cli
