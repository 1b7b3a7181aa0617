#pragma once

#include <string_view>

namespace callboard::protocol {

// Not defined for messages whose verb is a value: documents and unknown ones.
template <class T>
inline constexpr std::string_view kVerb;

}  // namespace callboard::protocol
