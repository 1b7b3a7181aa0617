#pragma once

#include <optional>

#include "base/entry.h"
#include "base/result.h"
#include "sync/pull_records.h"
#include "sync/relative_path.h"
#include "sync/root.h"
#include "sync/stager.h"

namespace callboard::sync {

// Stages content that another file of the project has: a file of its own, never a hard link. Large ones share their blocks
// where the file system can, or are copied by the kernel, when the index vouches for the source before and it did not
// change meanwhile; others are hashed on their way. All must outlive it. Thread: any.
class LocalCopier {
 public:
  struct Parts {
    const Root& root;
    Stager& stager;
    PullRecords& records;
  };
  explicit LocalCopier(const Parts& parts) : parts_(parts) {}

  // nullopt: `source` does not have this content (any more). Fails where a disk does not take it.
  Result<std::optional<StagedFile>> copy(const RelativePath& source, const RelativePath& path,
                                         const Entry& entry);

 private:
  using Copied = std::optional<StagedFile>;
  Result<Copied> copy_trusted(int source_fd, const FileStatus& before, const RelativePath& path,
                              const Entry& entry);
  Result<Copied> copy_hashed(int source_fd, const RelativePath& path, const Entry& entry);
  static Result<Copied> finished(IncomingFile& incoming);

  Parts parts_;
};

}  // namespace callboard::sync
