#pragma once

#include <optional>
#include <vector>

#include "base/entry.h"
#include "base/result.h"
#include "sync/file_status.h"
#include "sync/hash.h"
#include "sync/index.h"
#include "sync/relative_path.h"
#include "sync/root.h"

namespace callboard::sync {

// What the committer asks of the index. `status` is what stands under `path` at this moment.
// Thread: any, for record(), too.
class PullRecords {
 public:
  virtual ~PullRecords() = default;
  // True when that is, to the byte, what was last pulled there; false when in doubt.
  virtual bool is_as_pulled(const RelativePath& path, const FileStatus& status) = 0;
  // True when that is a file with this content; false when in doubt. `on_read` (may be empty) is asked while it is read.
  virtual bool has_content(const RelativePath& path, const FileStatus& status, const Digest& content,
                           const OnRead& on_read) = 0;
  // What was last pulled there; nothing when nothing was, or that is not known.
  virtual std::optional<Digest> pulled(const RelativePath& path) = 0;
  // All or none.
  virtual Result<void> record(const std::vector<Index::Pulled>& pulled) = 0;
};

// From the workstation's index, reading a file again where the index does not know it. Both must outlive it.
class IndexRecords final : public PullRecords {
 public:
  IndexRecords(const Root& root, Index& index) : root_(root), index_(index) {}

  bool is_as_pulled(const RelativePath& path, const FileStatus& status) override;
  bool has_content(const RelativePath& path, const FileStatus& status, const Digest& content,
                   const OnRead& on_read) override;
  std::optional<Digest> pulled(const RelativePath& path) override;
  Result<void> record(const std::vector<Index::Pulled>& pulled) override;

 private:
  const Root& root_;
  Index& index_;
};

// What there is to record of what stands under `path`, when that is a file or a link with this content; nothing when it is
// not, or in doubt. `on_read` as above.
std::optional<Index::Pulled> found_with_content(const Root& root, PullRecords& records,
                                                const RelativePath& path, const Digest& content,
                                                const OnRead& on_read);

}  // namespace callboard::sync
