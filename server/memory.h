#pragma once

#include <cstdint>

namespace callboard::server {

// Resident memory of this process in bytes; 0 where the system does not say. Reads no disk.
std::uint64_t resident_bytes();

// Gives the system back what is free between what is in use; the allocator does so at its end only. Some ms for each
// 100 MiB, in which others that allocate wait. Thread: any.
void give_back_memory();

}  // namespace callboard::server
