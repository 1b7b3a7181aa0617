#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

struct stat;

namespace callboard::sync {

enum class FileKind : std::uint8_t { file, directory, symlink, pipe, socket, device };

// "a pipe", "a socket", ... for an error text.
std::string_view to_text(FileKind kind);

// What the system says about a name without following it.
struct FileStatus {
  FileKind kind = FileKind::file;
  std::uint16_t mode = 0;  // The nine permission bits.
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;  // Of the file system it lies on.
  friend bool operator==(const FileStatus&, const FileStatus&) = default;
};

FileStatus from_system(const struct stat& system);
// fstat; `fd` stays the caller's.
Result<FileStatus> status_of(int fd);
// fstatat without following a link in the last place.
Result<FileStatus> status_at(int directory_fd, const char* name);

}  // namespace callboard::sync
