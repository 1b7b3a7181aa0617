#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "sync/open_beneath.h"

namespace callboard::sync {
namespace {

// Containers with an old system-call filter answer EPERM, kernels before 5.6 ENOSYS. Asked once.
std::atomic<bool> g_kernel_lacks_openat2{false};

int openat2(int folder_fd, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_NOFOLLOW | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder_fd, path, &how, sizeof how));
}

}  // namespace

int open_beneath(int folder_fd, const std::string& path, int flags) {
  if (g_kernel_lacks_openat2.load(std::memory_order_relaxed)) {
    return open_beneath_by_walking(folder_fd, path, flags);
  }
  const int fd = openat2(folder_fd, path.empty() ? "." : path.c_str(), flags);
  if (fd >= 0) return fd;
  if (errno == ENOSYS) g_kernel_lacks_openat2.store(true, std::memory_order_relaxed);
  // ENAMETOOLONG: a path of exactly PATH_MAX has no room for its NUL; its components do. ENOTDIR: the walk finds out
  // whether a link is to blame.
  const bool walk_knows_better =
      errno == ENOSYS || errno == EPERM || errno == ENAMETOOLONG || errno == ENOTDIR;
  return walk_knows_better ? open_beneath_by_walking(folder_fd, path, flags) : -1;
}

}  // namespace callboard::sync
