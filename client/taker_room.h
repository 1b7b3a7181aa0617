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
  // Of what is announced before anything is listed, and may be here already.
  bool has_room_for(const sync::Room& announced) const { return bool(check(announced)); }
  // One file more is written; `instead_of_bytes` is what it replaces.
  void add_file(std::uint64_t size_bytes, std::uint64_t instead_of_bytes);
  // What is still to be written of a file that has its beginning, and its inode.
  void add_rest(std::uint64_t size_bytes) { need_.bytes += size_bytes; }
  // Of all that was added, some of which may be `kept` from an earlier try. Refused when it does not fit.
  Result<void> check_added(const sync::Room& kept = {0, 0}) const;

 private:
  Result<void> check(const sync::Room& need) const;

  sync::Room free_;
  sync::Room need_{0, 0};
};

}  // namespace callboard::client
