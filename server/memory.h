#pragma once

#include <cstdint>

namespace callboard::server {

// Resident memory of this process in bytes; 0 where the system does not say. Reads no disk.
std::uint64_t resident_bytes();

// What this process may have at most: the machine's memory, or less where a service's limits (control groups) say so. 0 where
// the system does not say.
std::uint64_t allowed_memory_bytes();

// Gives the system back what is free between what is in use; the allocator does so at its end only. Some ms for each
// 100 MiB, in which others that allocate wait. Thread: any.
void give_back_memory();

}  // namespace callboard::server
