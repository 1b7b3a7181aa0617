#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/document/value.h"
#include "base/limits.h"
#include "base/result.h"
#include "server/services/service.h"

// The services of a studio's own, as a file says them (docs/calls.md). Pure.
namespace callboard::server {

// A services file: as many as there may be, each with arguments of some KiB.
inline constexpr std::uint64_t kServicesFileMax = 1 * MiB;
// More often than this a service would be all that a small machine does.
inline constexpr auto kServicePeriodMin = 1s;
// Longer than any schedule, and far from what a clock can hold.
inline constexpr auto kServicePeriodMax = 366 * 24h;

// usage: it makes no sense, said with the service's name and the key: `service "sweep": period_s: expected 1-31622400, got 0`;
// or a name is there twice, or is that of a built-in service.
Result<std::vector<Service>> services_from(std::string_view json);

}  // namespace callboard::server
