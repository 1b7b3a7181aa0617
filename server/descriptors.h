#pragma once

#include <cstdint>

namespace callboard::server {

// Lets this process open as many files as the system's administrator allows: each session takes one, and what a process is
// given at first, mostly 1,024, is meant for programs that use select(). Returns how many; 0 where the system does not say.
std::uint64_t raise_descriptor_limit();

}  // namespace callboard::server
