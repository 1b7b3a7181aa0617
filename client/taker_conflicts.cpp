#include "client/taker_conflicts.h"

#include <algorithm>

namespace callboard::client {

bool TakerConflicts::is_conflict(const sync::RelativePath& path, const Entry& have, const Entry& want,
                                 const sync::Tree::Node& below) {
  if (have.kind == EntryKind::refused) return false;
  // A folder has no content of its own: it was changed when something in it was.
  if (have.kind == EntryKind::directory) return below && is_changed_below(path, *below);
  const std::optional<Digest> pulled = records_.pulled(path);
  if (pulled && *pulled == have.digest) return false;  // As it was pulled.
  // Changed here alone: the giver still has what was pulled. What never was pulled both have made.
  const bool giver_has_it = pulled && want.kind != EntryKind::directory && *pulled == want.digest;
  return !giver_has_it;
}

// No deeper than paths are: kPathDepthMax.
bool TakerConflicts::is_changed_below(const sync::RelativePath& directory,
                                      const sync::Tree::Directory& node) {
  sync::BucketEntries entries(node.buckets);
  for (sync::PackedEntry entry; entries.next(entry);) {
    if (entry.kind != EntryKind::file && entry.kind != EntryKind::symlink) continue;
    const Result<sync::RelativePath> path = directory.joined(entry.name);
    if (!path) continue;
    const std::optional<Digest> pulled = records_.pulled(*path);
    if (!pulled || *pulled != entry.digest()) return true;
  }
  return std::any_of(node.children.begin(), node.children.end(), [&](const sync::Tree::Node& child) {
    const Result<sync::RelativePath> path = directory.joined(child->name);
    return path && is_changed_below(*path, *child);
  });
}

}  // namespace callboard::client
