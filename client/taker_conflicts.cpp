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

bool TakerConflicts::is_own(const sync::RelativePath& path, const Entry& have,
                            const sync::Tree::Node& below) {
  if (have.kind == EntryKind::directory) return below && is_changed_below(path, *below);
  return records_.pulled(path) != have.digest;
}

void TakerConflicts::for_edited(const sync::RelativePath& path, const Digest& have, const Each& each) {
  const std::optional<Digest> pulled = records_.pulled(path);
  if (pulled && *pulled != have) each(path);
}

// No deeper than paths are: kPathDepthMax.
void TakerConflicts::for_edited_below(const sync::RelativePath& directory, const sync::Tree::Directory& node,
                                      const Each& each) {
  sync::BucketEntries entries(node.buckets);
  for (sync::PackedEntry entry; entries.next(entry);) {
    if (entry.kind != EntryKind::file && entry.kind != EntryKind::symlink) continue;
    const Result<sync::RelativePath> path = directory.joined(entry.name);
    if (path) for_edited(*path, entry.digest(), each);
  }
  for (const sync::Tree::Node& child : node.children) {
    const Result<sync::RelativePath> path = directory.joined(child->name);
    if (path) for_edited_below(*path, *child, each);
  }
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
