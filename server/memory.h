#pragma once

#include <cstdint>

namespace callboard::server {

// Resident memory of this process in bytes; 0 where the system does not say. Reads no disk.
std::uint64_t resident_bytes();

}  // namespace callboard::server
