#include "sync/holes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace callboard::sync {

#if defined(SEEK_HOLE) && defined(SEEK_DATA)

bool has_holes(int fd) {
  constexpr std::uint64_t kBlockBytes = 512;  // Of st_blocks, whatever the file system's are.
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  const auto size_bytes = static_cast<std::uint64_t>(status.st_size);
  if (static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes + kHoleMin > size_bytes) return false;
  return next_hole(fd, 0, size_bytes).begin < size_bytes;
}

Hole next_hole(int fd, std::uint64_t from, std::uint64_t end) {
  const Hole none{end, end};
  while (from < end) {
    const off_t begin = ::lseek(fd, static_cast<off_t>(from), SEEK_HOLE);
    if (begin < 0 || static_cast<std::uint64_t>(begin) >= end) return none;
    const off_t data = ::lseek(fd, begin, SEEK_DATA);
    if (data < 0 && errno != ENXIO) return none;  // ENXIO: up to the end of the file.
    const Hole hole{static_cast<std::uint64_t>(begin),
                    data < 0 ? end : std::min(static_cast<std::uint64_t>(data), end)};
    if (hole.size_bytes() >= kHoleMin) return hole;
    if (hole.end <= from) return none;  // It was filled between the two calls.
    from = hole.end;
  }
  return none;
}

#else

bool has_holes(int) { return false; }
Hole next_hole(int, std::uint64_t, std::uint64_t end) { return {end, end}; }

#endif

}  // namespace callboard::sync
