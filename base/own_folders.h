#pragma once

#include <string_view>

namespace callboard {

// Where the server alone makes records: locks, each at the path of what it locks, and how services go.
inline constexpr std::string_view kLocksFolder = "/locks";
inline constexpr std::string_view kServicesFolder = "/services";

// Whether the path is that of the folder, or lies in it.
constexpr bool is_at_or_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace callboard
