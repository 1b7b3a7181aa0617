#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sync/ignore_files.h"
#include "sync/live_tree.h"
#include "sync/scan_directory.h"
#include "sync/tree_merge.h"

namespace callboard::sync {

// One settling of a LiveTree: makes of the tree as it was and the names that changed the tree as it is. Leaves the old tree
// as it was, so that one that fails half-way can be done again.
class LiveTree::Update {
 public:
  Update(LiveTree& live, const ScanOptions& options);

  // `old`, which lies at `path`, with all that is pending in it and beneath done; `old` itself when that changes nothing.
  Result<Tree::Node> rebuilt(const Tree::Node& old, const RelativePath& path, const Pending& pending);

 private:
  using Now = ChangedName;
  using Names = ChangedNames;
  // A directory under its old state while its names are looked at.
  struct Opened {
    const Tree::Directory& old;
    const RelativePath& path;
    int fd = -1;
    Ignore::Pointer ignore = nullptr;
  };

  Result<void> look(const Opened& place, const DirectoryChanges& changes, Names& names);
  Result<void> look_at(const Opened& place, const std::string& name, const NameChange& change, Now& now);
  Result<void> look_at_directory(const Opened& place, const FileStatus& status, bool is_another, Now& now);
  Result<void> read_directory(const RelativePath& path, Now& now);
  void look_at_file(const Opened& place, const FileStatus& status, const NameChange& change, Now& now);
  Result<void> hash(const RelativePath& directory, Names& names);
  void tell(const ScanProgress& more) const;
  bool is_cancelled() const;

  LiveTree& live_;
  const ScanOptions& options_;
  const Instant started_;
  ScanProgress done_;
  IgnoreFiles ignore_files_;
  ScanDirectory unknown_;  // Files of the directory that is looked at whose content has to be read.
};

}  // namespace callboard::sync
