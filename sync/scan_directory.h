#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/entry.h"
#include "sync/file_status.h"
#include "sync/make_entry.h"
#include "sync/relative_path.h"
#include "sync/tree.h"

namespace callboard::sync {

// A directory on its way into a tree. An entry that has gone meanwhile keeps its place with an empty name until the
// directory is packed, so that indices stay what they are.
struct ScanDirectory {
  RelativePath path;
  ScanDirectory* parent = nullptr;
  std::uint32_t entry_in_parent = 0;

  std::vector<Entry> entries;           // Emptied when packed.
  std::vector<FileStatus> statuses;     // Beside `entries`, while the index is to be told.
  std::vector<std::uint32_t> unknown;   // Entries whose content has to be hashed.
  std::vector<std::uint32_t> to_chunk;  // Of them, ascending, those whose list of chunks is wanted, too.
  std::atomic<std::uint32_t> batches_left{0};
  bool has_directories = false;
  bool is_packed = false;
  bool is_there = true;  // False when it could not be opened: no part of the tree.
  std::string trouble;   // Why, when it is there no more for other reasons than having vanished.
  Tree::Directory
      packed;  // Its name, mode and time from the start; those beneath it from the last to the first.
};

inline bool is_gone(const Entry& entry) { return entry.name.empty(); }

}  // namespace callboard::sync
