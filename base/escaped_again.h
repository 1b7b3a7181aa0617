#pragma once

#include <string>
#include <string_view>

namespace callboard {

// escaped() of what was escaped before, or comes with escapes of its own: no backslash again.
std::string escaped_again(std::string_view text);

}  // namespace callboard
