#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/entry.h"
#include "sync/file_status.h"
#include "sync/tree.h"

namespace callboard::sync {

// What is under a name now; nothing when the entry has no name.
struct ChangedName {
  Entry entry;
  Tree::Node child;              // When it is a directory.
  bool is_read_through = false;  // All beneath it is as it is now, not only its own mode.
};
using ChangedNames = std::map<std::string, ChangedName, std::less<>>;

// `old` with `names` in place of what it had under them; `old` itself when that is the same. `status` is the directory's
// own where it was looked at. Costs the buckets that the names fall into, whatever lies beneath.
Tree::Node merged(const Tree::Node& old, const ChangedNames& names, const std::optional<FileStatus>& status);

}  // namespace callboard::sync
