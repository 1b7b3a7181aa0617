#pragma once

#include <string_view>

namespace callboard {

// Where the server alone makes records: locks, each at the path of what it locks, and how services go.
inline constexpr std::string_view kLocksFolder = "/locks";
inline constexpr std::string_view kServicesFolder = "/services";

}  // namespace callboard
