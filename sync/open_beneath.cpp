#include "sync/open_beneath.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"

namespace callboard::sync {
namespace {

#ifdef O_PATH
// Passing through a directory needs no right to list it.
constexpr int kPassThrough = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
#else
constexpr int kPassThrough = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
#endif

// O_DIRECTORY | O_NOFOLLOW on a link says ENOTDIR on some systems; the caller is promised ELOOP.
int open_component(int directory_fd, const char* name, int flags) {
  const int fd = ::openat(directory_fd, name, flags | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0 || errno != ENOTDIR) return fd;
  struct stat system {};
  const bool link =
      ::fstatat(directory_fd, name, &system, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(system.st_mode);
  errno = link ? ELOOP : ENOTDIR;
  return -1;
}

}  // namespace

int open_beneath_by_walking(int folder_fd, const std::string& path, int flags) {
  if (path.empty()) return open_component(folder_fd, ".", flags);
  Fd held;
  int at = folder_fd;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string component = path.substr(begin, end - begin);
    if (end == path.size()) return open_component(at, component.c_str(), flags);
    Fd next(open_component(at, component.c_str(), kPassThrough));
    if (!next) return -1;
    held = std::move(next);
    at = held.get();
    begin = end + 1;
  }
}

#ifndef __linux__
int open_beneath(int folder_fd, const std::string& path, int flags) {
  return open_beneath_by_walking(folder_fd, path, flags);
}
#endif

}  // namespace callboard::sync
