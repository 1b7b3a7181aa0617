#pragma once

#include <string>
#include <utility>

#include "base/error.h"

namespace callboard::server {

// What is wrong with a file that a server is told to load, or that lies beside its board: a mistake of how it is started (usage),
// whether the file cannot be read, is open to others or makes no sense.
inline Error unusable_file(std::string text) { return {Outcome::usage, std::move(text)}; }

}  // namespace callboard::server
