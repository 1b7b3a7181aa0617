#include "sync/fd.h"

#include <unistd.h>

namespace callboard::sync {

void Fd::close() {
  // What a close of a written file may report is asked for with fsync before, where it matters.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace callboard::sync
