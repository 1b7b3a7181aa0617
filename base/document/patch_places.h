#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace callboard::document {

// Pointers to all that a JSON Patch writes to: what is moved is taken from where it was as well. What is no
// patch may be about anything: "", the whole. Pure.
std::vector<std::string> places_written(std::string_view patch);

}  // namespace callboard::document
