#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sync/file_ops.h"
#include "sync/pull_records.h"
#include "sync/relative_path.h"
#include "sync/root.h"
#include "sync/tree.h"
#include "sync/versions.h"

namespace callboard::sync {

// What --mirror does to whole names: local files go to the versions, directories are renamed. A directory is handled as one
// when nothing lies in it but what its snapshot has; what a snapshot does not show (ignored, refused, made meanwhile) is
// never moved along. All must outlive it. Thread: the committing thread.
class Mover {
 public:
  struct Parts {
    const Root& root;
    FileOps& ops;
    Versions& versions;
    PullRecords& records;
    Timestamp started;
  };
  explicit Mover(const Parts& parts) : parts_(parts) {}

  // What went, also when an error ended it.
  struct Removed {
    std::vector<KeptVersion> versions;
    std::optional<Error> error;
  };
  // Moves a file or link to the versions. Nothing when there is none.
  Removed remove_file(const RelativePath& path);
  // Moves what `node` has to the versions: in one go, or, where something else lies in it, name by name; the directories
  // that are not empty then stay.
  Removed remove_directory(const RelativePath& path, const Tree::Node& node);

  // True when nothing lies in `directory` but what `node` has, of which some may be missing. Thread: any.
  static bool has_only(const Root& root, const RelativePath& directory, const Tree::Node& node);
  // True when no link of `node`, which is to lie at `directory`, would lead out of the project folder there: one that goes up
  // may be good further down. Thread: any.
  static bool links_stay_inside(const RelativePath& directory, const Tree::Node& node);
  // True when `directory` holds all that `node` has, with its contents, and nothing else.
  bool is_as(const RelativePath& directory, const Tree::Node& node);
  // Notes every file beneath that is still as is_as() found it as pulled. After a renaming.
  Result<void> record(const RelativePath& directory, const Tree::Node& node);

 private:
  bool has_all(const RelativePath& directory, const Tree::Node& node);
  Result<void> remove_listed(const RelativePath& directory, const Tree::Node& node,
                             std::vector<KeptVersion>& removed);
  Result<void> move_away(const RelativePath& path, FileKind kind, std::vector<KeptVersion>& removed);

  Parts parts_;
};

}  // namespace callboard::sync
