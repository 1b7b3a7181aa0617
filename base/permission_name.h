#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace callboard {

inline constexpr std::size_t kPermissionNameMax = 64;

// What something that somebody may do is called: 1–64 of a-z, 0-9, '.', '_' and '-'. usage: it is none. Thread: any.
Result<void> check_permission_name(std::string_view name);

}  // namespace callboard
