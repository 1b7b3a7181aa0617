#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace callboard::cli {

// The JSON that a file says, of at most `bytes_max`: as it stands there, or, where its name ends in ".toml", what says the same.
// `name` is what errors call it: `schema "studio.toml"`. Blocking.
Result<std::string> read_described(std::string_view name, const std::string& path, std::uint64_t bytes_max);

}  // namespace callboard::cli
