#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "base/entry.h"
#include "sync/pull_records.h"
#include "sync/relative_path.h"
#include "sync/root.h"
#include "sync/tree.h"

namespace callboard::client {

// Notes as pulled what is here and equal to the giver's: it may have been copied here by hand. What is no longer as it was
// compared is left out. From the first record that fails on, or once it is cancelled, nothing more is noted: that costs no
// more than a version some day. Thread: one. All must outlive it.
class FoundEqual {
 public:
  FoundEqual(const sync::Root& root, sync::PullRecords& records, const std::atomic<bool>& cancelled)
      : root_(root), records_(records), cancelled_(cancelled) {}

  // A file or a link.
  void add(const sync::RelativePath& path, const Entry& entry);
  // What `node` has. Looks at its files only where the first of them is not known as pulled; that one is recorded last, so
  // that a folder of which only a part was recorded is looked at another time.
  void add(const sync::RelativePath& directory, const sync::Tree::Node& node);
  // Records what is not recorded yet.
  void finish();

 private:
  bool goes_on() const;
  std::optional<sync::Index::Pulled> found(const sync::RelativePath& path, const Digest& content);
  void add_below(const sync::RelativePath& directory, const sync::Tree::Directory& node);
  void put(sync::Index::Pulled file);

  const sync::Root& root_;
  sync::PullRecords& records_;
  const std::atomic<bool>& cancelled_;
  bool has_failed_ = false;
  std::vector<sync::Index::Pulled> files_;  // To be recorded.
  bool is_first_ = false;                   // What is looked at next, in its folder.
  std::optional<sync::Index::Pulled> first_;
};

}  // namespace callboard::client
