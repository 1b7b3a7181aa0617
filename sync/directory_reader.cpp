#include "sync/directory_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

namespace callboard::sync {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Result<std::vector<std::string>> read_names(int fd) {
  const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return os_error("list", errno);
  const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(own));
  if (!directory) {
    const int cause = errno;
    ::close(own);
    return os_error("list", cause);
  }
  ::rewinddir(directory.get());
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* found = ::readdir(directory.get());
    if (found == nullptr) break;
    const std::string_view name = found->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return os_error("list", errno);
  return names;
}

}  // namespace

Result<std::vector<NamedStatus>> read_directory(int fd) {
  auto names = read_names(fd);
  if (!names) return names.error();
  // Names alone are cheaper to sort than names with their status.
  std::sort(names->begin(), names->end());
  std::vector<NamedStatus> found;
  found.reserve(names->size());
  for (std::string& name : *names) {
    struct stat system {};
    if (::fstatat(fd, name.c_str(), &system, AT_SYMLINK_NOFOLLOW) == 0) {
      found.push_back({std::move(name), from_system(system)});
    } else if (errno != ENOENT) {
      return os_error("look into", errno);
    }
  }
  return found;
}

}  // namespace callboard::sync
