#pragma once

#include <string_view>

namespace callboard::protocol {

// The verb of a message, said for each in verbs.h and what that includes. Not defined for messages whose verb is a value:
// documents and unknown ones.
template <class T>
inline constexpr std::string_view kVerb;

}  // namespace callboard::protocol
