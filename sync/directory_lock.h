#pragma once

namespace callboard::sync {

// An advisory lock on an open directory, for as long as this object lives, against other processes and other
// descriptors. Where the file system has no locks, nothing is held and nothing is held elsewhere.
class DirectoryLock {
 public:
  enum class Wait { until_free, never };
  DirectoryLock(int directory_fd, Wait wait);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  bool is_held_elsewhere() const { return is_held_elsewhere_; }

 private:
  int directory_fd_;
  bool is_held_ = false;
  bool is_held_elsewhere_ = false;
};

}  // namespace callboard::sync
