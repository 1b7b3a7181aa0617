#include "base/file_content.h"

#include <unistd.h>

#include <cerrno>

#include "base/limits.h"

namespace callboard {

Result<Bytes> read_content(int fd, std::uint64_t max_bytes) {
  Bytes bytes;
  Bytes piece(256 * KiB);
  while (bytes.size() <= max_bytes) {
    const auto got = ::pread(fd, piece.data(), piece.size(), static_cast<off_t>(bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os_error("read", errno);
    if (got == 0) return bytes;
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + got);
  }
  return Error{Outcome::refused, "it is too long"};
}

Result<void> write_content(int fd, ByteView bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return os_error("write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    at += static_cast<std::uint64_t>(written);
  }
  return {};
}

}  // namespace callboard
