#pragma once

#include <cstdint>

#include "base/limits.h"

namespace callboard::sync {

// Shorter ones are taken for content: looking them up and telling of them takes as long as sending their zeros.
inline constexpr std::uint64_t kHoleMin = 32 * KiB;

// Zeros of a file that take no room on its disk.
struct Hole {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size_bytes() const { return end - begin; }
};

// A sparse file is written as it comes: no room is reserved and no cache bypassed, for both would fill its holes, and
// what turns out to be a block of zeros becomes another hole.
enum class Shape { dense, sparse };

// Both move the file's position, and find none where the file system cannot tell.

// Whether the file takes less room than it has bytes, and has a hole; on file systems that compress the first alone says
// nothing.
bool has_holes(int fd);
// The first one from `from` on, cut off at `end`, be it the end of the file or before it; {end, end}: none.
Hole next_hole(int fd, std::uint64_t from, std::uint64_t end);

}  // namespace callboard::sync
