#pragma once

#include <atomic>
#include <memory>

#include "base/clock.h"
#include "base/entry.h"
#include "base/result.h"
#include "sync/content_table.h"
#include "sync/file_ops.h"
#include "sync/index.h"
#include "sync/relative_path.h"
#include "sync/root.h"
#include "sync/tree.h"

namespace callboard::client {

// What giver and taker ask about the project folder they work on. Thread: any.
class TransferFolder {
 public:
  virtual ~TransferFolder() = default;
  // `top` and everything beneath, with digests, as it is now. Not found when there is nothing. May read a lot; gives up
  // with Outcome::cancelled soon after `cancelled` is set.
  virtual Result<std::shared_ptr<const sync::Tree>> snapshot(const sync::RelativePath& top,
                                                             const std::atomic<bool>& cancelled) = 0;
  // Where lists of chunks are kept; nullptr: nowhere.
  virtual sync::Index* index() { return nullptr; }
  // A pull that has ended put this large file there. Quick.
  virtual void on_pulled(const sync::RelativePath&, const Entry&) {}
  // All of the folder as far as that is known without looking; may be a moment old. nullptr: it is not kept.
  virtual std::shared_ptr<const sync::Tree> known() { return nullptr; }
  // Where in known() each content lies; nullptr as that.
  virtual std::shared_ptr<const sync::ContentTable> contents() { return nullptr; }
  // What earlier looks found, of which any part may be out of date. nullptr: nothing.
  virtual std::shared_ptr<const sync::Tree> remembered() { return nullptr; }
};

// Looks at the disk each time; the index knows what need not be read again. All must outlive it.
class ScannedFolder : public TransferFolder {
 public:
  ScannedFolder(const sync::Root& root, sync::Index& index, const Clock& clock)
      : root_(root), index_(index), clock_(clock) {}
  Result<std::shared_ptr<const sync::Tree>> snapshot(const sync::RelativePath& top,
                                                     const std::atomic<bool>& cancelled) override;
  // From now on what was modified within the last `stable_after` is waited for once, and refused when it is still written to,
  // as is what is open for writing.
  void leave_out_growing(Duration stable_after) { stable_after_ = stable_after; }
  sync::Index* index() override { return &index_; }
  std::shared_ptr<const sync::Tree> remembered() override;

 private:
  const sync::Root& root_;
  sync::Index& index_;
  const Clock& clock_;
  sync::FileOps ops_;
  std::atomic<Duration> stable_after_{Duration::zero()};
};

}  // namespace callboard::client
