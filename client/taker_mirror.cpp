#include "client/taker_mirror.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sync/diff.h"
#include "sync/packed_entries.h"

namespace callboard::client {

void TakerMirror::begin_round() {
  removals_.clear();
  reuses_.clear();
  is_sorted_ = false;
  renamed_.clear();
  files_renamed_ = 0;
}

Result<void> TakerMirror::compare(const sync::RelativePath& directory, std::span<const Entry> have,
                                  std::span<const Entry> want, const sync::Tree::Node& node) {
  for (const std::size_t index : sync::only_here(have, want)) {
    const Result<sync::RelativePath> path = directory.joined(have[index].name);
    if (!path) continue;
    const Result<void> removed =
        remove(*path, have[index], node ? sync::Tree::child_of(*node, have[index].name) : nullptr);
    if (!removed) return removed;
  }
  return {};
}

Result<void> TakerMirror::remove(const sync::RelativePath& path, const Entry& entry,
                                 const sync::Tree::Node& node) {
  if (entry.kind == EntryKind::refused || patterns_.is_excluded(path)) return {};
  const bool is_directory = entry.kind == EntryKind::directory;
  if (is_directory && !node) return {};
  if (is_directory && !patterns_.is_everything()) return remove_below(path, node);
  if (!is_directory && !patterns_.is_included(path)) return {};
  const Result<bool> stays = stays_(path, entry, node);
  if (!stays) return stays.error();
  if (!*stays) {
    removals_.push_back(is_directory ? Removal{path, node, node->bytes_below}
                                     : Removal{path, nullptr, entry.size_bytes, entry.digest});
    return {};
  }
  return is_directory ? remove_below(path, node) : Result<void>();
}

// Some of it may be meant by a pattern, or stay. No deeper than paths are: kPathDepthMax.
Result<void> TakerMirror::remove_below(const sync::RelativePath& directory, const sync::Tree::Node& node) {
  sync::BucketEntries entries(node->buckets);
  for (sync::PackedEntry entry; entries.next(entry);) {
    const Result<sync::RelativePath> path = directory.joined(entry.name);
    if (!path) continue;
    const Result<void> removed = remove(*path, unpacked(entry), sync::Tree::child_of(*node, entry.name));
    if (!removed) return removed;
  }
  return {};
}

bool TakerMirror::add(Reuse reuse) {
  if (reuses_.size() >= kReusesMax) return false;
  reuses_.push_back(std::move(reuse));
  return true;
}

std::vector<TakerMirror::Removal>::iterator TakerMirror::removal_of(const sync::RelativePath& path) {
  if (!std::exchange(is_sorted_, true)) {
    std::sort(removals_.begin(), removals_.end(),
              [](const Removal& a, const Removal& b) { return a.path < b.path; });
  }
  for (sync::RelativePath at = path; !at.is_root(); at = at.parent()) {
    const auto found = std::lower_bound(
        removals_.begin(), removals_.end(), at,
        [](const Removal& removal, const sync::RelativePath& wanted) { return removal.path < wanted; });
    if (found != removals_.end() && found->path == at) return found;
  }
  return removals_.end();
}

TakerMirror::Split TakerMirror::split(const std::function<bool(const Reuse&)>& may_rename) {
  Split split;
  // Directories first: what lies in one that is renamed as a whole is there for it, and is copied for others.
  std::stable_sort(reuses_.begin(), reuses_.end(),
                   [](const Reuse& a, const Reuse& b) { return (a.node != nullptr) > (b.node != nullptr); });
  for (Reuse& reuse : std::exchange(reuses_, {})) {
    const auto removal = removal_of(reuse.source);
    // Nor may anything beneath it be taken already.
    const std::string beneath = reuse.source.bytes() + "/";
    const auto below = renamed_.lower_bound(beneath);
    const bool is_free = removal != removals_.end() && !is_renamed(reuse.source) &&
                         (below == renamed_.end() || !below->starts_with(beneath));
    if (!is_free || !may_rename(reuse)) {
      split.copied.push_back(std::move(reuse));
      continue;
    }
    renamed_.insert(reuse.source.bytes());
    if (removal->path == reuse.source) {
      removal->is_renamed = true;
    } else {
      files_renamed_ += reuse.node ? reuse.node->files_below : 1;
    }
    split.renamed.push_back(std::move(reuse));
  }
  return split;
}

bool TakerMirror::is_renamed(const sync::RelativePath& path) const {
  for (sync::RelativePath at = path; !at.is_root(); at = at.parent()) {
    if (renamed_.contains(at.bytes())) return true;
  }
  return false;
}

std::uint64_t TakerMirror::files_to_remove() const {
  std::uint64_t files = 0;
  for (const Removal& removal : removals_) {
    if (!removal.is_renamed) files += removal.node ? removal.node->files_below : 1;
  }
  return files - std::min(files, files_renamed_);
}

std::vector<sync::Change> TakerMirror::take_removals() {
  std::vector<sync::Change> changes;
  for (Removal& removal : std::exchange(removals_, {})) {
    if (removal.is_renamed) continue;
    changes.push_back(sync::Change::remove(std::move(removal.path), std::move(removal.node)));
  }
  return changes;
}

}  // namespace callboard::client
