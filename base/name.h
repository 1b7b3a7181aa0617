#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace callboard {

// usage, beginning with `where`: a name is 1–`max` characters, none of them a control character, without a space at its ends.
Result<void> check_name(std::string_view where, std::string_view name, std::size_t max);

}  // namespace callboard
