#include "base/fd.h"

#include <unistd.h>

namespace callboard {

void Fd::reset(int fd) {
  if (fd_ >= 0) {
    ::close(fd_);  // Not repeated after EINTR: on Linux the descriptor is gone then.
  }
  fd_ = fd;
}

}  // namespace callboard
