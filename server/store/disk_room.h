#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/result.h"

namespace callboard::server {

// Whether so much more could be written to files in that folder: it is taken from the disk, and given back. The error says how much is
// free, or what else was in the way. Blocking.
Result<void> check_room(const std::filesystem::path& folder, std::uint64_t size_bytes);
// The same, but only the error of a disk that has too little.
std::optional<Error> lack_of_room(const std::filesystem::path& folder, std::uint64_t size_bytes);
// The same, as the file system counts it, which knows of no quota: nothing is taken.
std::optional<Error> lack_of_free_room(const std::filesystem::path& folder, std::uint64_t size_bytes);

}  // namespace callboard::server
