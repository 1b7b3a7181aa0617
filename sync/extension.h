#pragma once

#include <string>
#include <string_view>

namespace callboard::sync {

// What follows the last dot of a file's name, in lower case as far as it is ASCII: "exr" of "shot.0001.EXR"; empty without a dot.
std::string lower_extension(std::string_view name);

}  // namespace callboard::sync
