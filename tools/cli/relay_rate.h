#pragma once

#include <optional>
#include <string_view>

#include "net/relay_shares.h"

namespace callboard::cli {

// What --relay-rate is said to expect.
inline constexpr std::string_view kRelayRateForm =
    "RATE[,PER-TRANSFER], bytes a second like 50M (K, M, G), 64K at least, 0 for no limit";

// "50M", "1G,200M", "0,10M": all transfers together, then each. K, M and G are 1024, 1024² and 1024³ bytes a second.
// nullopt for anything else.
std::optional<net::RelayLimits> relay_limits_from(std::string_view text);

}  // namespace callboard::cli
