#include "base/fd.h"

#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/close_range.h>
#endif

namespace callboard {

void Fd::reset(int fd) {
  if (fd_ >= 0) {
    ::close(fd_);  // Not repeated after EINTR: on Linux the descriptor is gone then.
  }
  fd_ = fd;
}

void close_descriptors_at_exec() {
  constexpr int kFirst = STDERR_FILENO + 1;
#ifdef CLOSE_RANGE_CLOEXEC
  if (::close_range(kFirst, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
#endif
  const long end = ::sysconf(_SC_OPEN_MAX);
  for (int fd = kFirst; fd < end; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

}  // namespace callboard
