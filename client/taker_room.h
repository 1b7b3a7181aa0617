#pragma once

#include <cstdint>

#include "base/result.h"
#include "sync/file_ops.h"

namespace callboard::client {

// Whether what a pull wants fits the disk. Counts only what is sure to be needed, so that it never refuses what would fit:
// a pull it lets through may still meet a full disk, and waits then. Thread: planning.
class TakerRoom {
 public:
  // What is free before the first byte.
  void begin(const sync::Room& free) {
    free_ = free;
    need_ = {0, 0};
  }
  // Before anything is listed: `files` and `bytes` are announced, of which so much may be here already.
  Result<void> check_announced(const sync::Room& announced, const sync::Room& here) const;
  // One file more is written; `instead_of_bytes` is what it replaces. Refused as soon as the sum does not fit.
  Result<void> add_file(std::uint64_t size_bytes, std::uint64_t instead_of_bytes);
  // What is still to be written of a file that has its beginning, and its inode.
  Result<void> add_rest(std::uint64_t size_bytes);

 private:
  Result<void> check(const sync::Room& need) const;

  sync::Room free_;
  sync::Room need_{0, 0};
};

}  // namespace callboard::client
