#pragma once

#include <string>
#include <string_view>

namespace callboard {

// The text with "***" in place of whatever could be a secret: what follows the identity in the line of a key, whole or cut, and
// any run of 40 hex digits and more (ids have 32, a secret has 64). For everything that is written where others read it.
std::string masked(std::string_view text);

}  // namespace callboard
