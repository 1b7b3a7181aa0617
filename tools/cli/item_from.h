#pragma once

#include <string>

#include "base/result.h"

namespace callboard::cli {

// An item as it is written on the wire, of one that was typed with or without its leading "/"; "" is none. usage: it is no path.
Result<std::string> item_from(const std::string& text);

}  // namespace callboard::cli
