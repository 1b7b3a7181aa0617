#pragma once

#include <functional>
#include <optional>

#include "base/entry.h"
#include "sync/pull_records.h"
#include "sync/relative_path.h"
#include "sync/tree.h"

namespace callboard::client {

// Whether what lies here and what the giver has instead were both changed since the last pull (docs/operations.md). Asks
// the index once for a file. Both must outlive it. Thread: planning.
class TakerConflicts {
 public:
  explicit TakerConflicts(sync::PullRecords& records) : records_(records) {}

  // `have` and `want` lie under `path` and differ. `below` is what lies beneath `have` when it is a directory.
  bool is_conflict(const sync::RelativePath& path, const Entry& have, const Entry& want,
                   const sync::Tree::Node& below);

  // Whether what lies here, and the giver no longer has, is not what was pulled: work of whoever is here.
  bool is_own(const sync::RelativePath& path, const Entry& have, const sync::Tree::Node& below);
  // The same, but for what never was pulled: of each such file beneath a directory `each` is told.
  using Each = std::function<void(const sync::RelativePath&)>;
  void for_edited(const sync::RelativePath& path, const Digest& have, const Each& each);
  void for_edited_below(const sync::RelativePath& directory, const sync::Tree::Directory& node,
                        const Each& each);

 private:
  bool is_changed_below(const sync::RelativePath& directory, const sync::Tree::Directory& node);

  sync::PullRecords& records_;
};

}  // namespace callboard::client
