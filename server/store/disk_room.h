#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace callboard::server {

// Whether so much more could be written to files in that folder: it is taken from the disk, and given back. The error says how much is
// free. Blocking.
Result<void> check_room(const std::filesystem::path& folder, std::uint64_t size_bytes);

}  // namespace callboard::server
