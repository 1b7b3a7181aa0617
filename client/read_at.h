#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

namespace callboard::client {

// 0 at the end, and when it cannot be read: a list of chunks is cut short then, and giving the content says why.
inline std::size_t read_at(int fd, std::span<std::byte> into, std::uint64_t offset) {
  for (;;) {
    const ssize_t got = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return 0;
  }
}

}  // namespace callboard::client
