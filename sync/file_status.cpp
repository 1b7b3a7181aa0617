#include "sync/file_status.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <limits>

#include "base/text.h"

namespace callboard::sync {
namespace {

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::file;
  if (S_ISDIR(mode)) return FileKind::directory;
  if (S_ISLNK(mode)) return FileKind::symlink;
  if (S_ISFIFO(mode)) return FileKind::pipe;
  if (S_ISSOCK(mode)) return FileKind::socket;
  return FileKind::device;
}

// From the year 1677 to 2262; what lies beyond is at that end.
std::int64_t nanoseconds(const timespec& time) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  std::int64_t value = 0;
  if (__builtin_mul_overflow(std::int64_t{time.tv_sec}, 1'000'000'000, &value) ||
      __builtin_add_overflow(value, time.tv_nsec, &value)) {
    return time.tv_sec < 0 ? -kEnd : kEnd;
  }
  return value;
}

}  // namespace

std::string_view to_text(FileKind kind) {
  switch (kind) {
    case FileKind::file:
      return "a file";
    case FileKind::directory:
      return "a folder";
    case FileKind::symlink:
      return "a symbolic link";
    case FileKind::pipe:
      return "a pipe";
    case FileKind::socket:
      return "a socket";
    case FileKind::device:
      return "a device";
  }
  return "unknown";
}

FileStatus from_system(const struct stat& system) {
  FileStatus status;
  status.kind = kind_of(system.st_mode);
  status.mode = static_cast<std::uint16_t>(system.st_mode & 0777);
  status.size_bytes = static_cast<std::uint64_t>(system.st_size);
#ifdef __APPLE__
  status.mtime_ns = nanoseconds(system.st_mtimespec);
  status.ctime_ns = nanoseconds(system.st_ctimespec);
#else
  status.mtime_ns = nanoseconds(system.st_mtim);
  status.ctime_ns = nanoseconds(system.st_ctim);
#endif
  status.inode = system.st_ino;
  status.device = static_cast<std::uint64_t>(system.st_dev);
  return status;
}

Result<FileStatus> status_of(int fd) {
  struct stat system {};
  if (::fstat(fd, &system) != 0) return os_error("look at an open file", errno);
  return from_system(system);
}

Result<FileStatus> status_at(int directory_fd, const char* name) {
  struct stat system {};
  if (::fstatat(directory_fd, name, &system, AT_SYMLINK_NOFOLLOW) != 0) {
    return os_error("look at " + quoted(name), errno);
  }
  return from_system(system);
}

}  // namespace callboard::sync
