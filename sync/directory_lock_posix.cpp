#include <sys/file.h>

#include <cerrno>

#include "sync/directory_lock.h"

namespace callboard::sync {

DirectoryLock::DirectoryLock(int directory_fd, Wait wait) : directory_fd_(directory_fd) {
  const int how = LOCK_EX | (wait == Wait::never ? LOCK_NB : 0);
  int rc = 0;
  do {
    rc = flock(directory_fd_, how);
  } while (rc != 0 && errno == EINTR);
  is_held_ = rc == 0;
  is_held_elsewhere_ = rc != 0 && errno == EWOULDBLOCK;
}

DirectoryLock::~DirectoryLock() {
  if (is_held_) flock(directory_fd_, LOCK_UN);
}

}  // namespace callboard::sync
