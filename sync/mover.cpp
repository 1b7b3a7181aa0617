#include "sync/mover.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "sync/diff.h"
#include "sync/packed_entries.h"

namespace callboard::sync {
namespace {

// Ascending. What is refused belongs to nobody's copy and is not among them.
std::vector<std::string_view> names_of(const Tree::Directory& directory) {
  std::vector<std::string_view> names;
  BucketEntries entries(directory.buckets);
  for (PackedEntry entry; entries.next(entry);) {
    if (entry.kind != EntryKind::refused) names.push_back(entry.name);
  }
  return names;
}

bool has_mode(const PackedEntry& entry, std::uint16_t mode) { return unpacked(entry).mode == mode; }

}  // namespace

// --- Removing ---------------------------------------------------------------------------------------------------------

Result<void> Mover::move_away(const RelativePath& path, FileKind kind, std::vector<KeptVersion>& removed) {
  const Result<Fd> parent = parts_.root.open_parent(path);
  if (!parent && parent.error().outcome == Outcome::not_found) return {};
  if (!parent) return parent.error();
  const Place place{parent->get(), std::string(path.name())};
  const Inspected there = parts_.ops.inspect(place);
  if (there.error == ENOENT) return {};
  if (there.error != 0) return os_error("look at " + quoted(path.to_item()), there.error);
  const bool as_expected = (there.status.kind == FileKind::directory) == (kind == FileKind::directory);
  if (!as_expected) return {};  // Something else by now: not what was looked at.
  Result<KeptVersion> kept = parts_.versions.move_away(path, place, parts_.started);
  if (!kept) return kept.error();
  removed.push_back(*std::move(kept));
  return {};
}

Mover::Removed Mover::remove_file(const RelativePath& path) {
  Removed removed;
  const Result<void> moved = move_away(path, FileKind::file, removed.versions);
  if (!moved) removed.error = moved.error();
  return removed;
}

Mover::Removed Mover::remove_directory(const RelativePath& path, const Tree::Node& node) {
  Removed removed;
  const Result<void> done = has_only(parts_.root, path, node)
                                ? move_away(path, FileKind::directory, removed.versions)
                                : remove_listed(path, node, removed.versions);
  if (!done) removed.error = done.error();
  return removed;
}

// No deeper than paths are: kPathDepthMax.
Result<void> Mover::remove_listed(const RelativePath& directory, const Tree::Node& node,
                                  std::vector<KeptVersion>& removed) {
  BucketEntries entries(node->buckets);
  for (PackedEntry entry; entries.next(entry);) {
    if (entry.kind == EntryKind::refused) continue;
    const Result<RelativePath> path = directory.joined(entry.name);
    if (!path) continue;
    Result<void> done;
    if (entry.kind == EntryKind::directory) {
      const Tree::Node& child = Tree::child_of(*node, entry.name);
      if (child) done = remove_listed(*path, child, removed);
    } else {
      done = move_away(*path, FileKind::file, removed);
    }
    if (!done) return done;
  }
  const Result<Fd> parent = parts_.root.open_parent(directory);
  // Not empty: it stays, with whatever is in it.
  if (parent) static_cast<void>(parts_.ops.remove_directory({parent->get(), std::string(directory.name())}));
  return {};
}

bool Mover::has_only(const Root& root, const RelativePath& directory, const Tree::Node& node) {
  if (std::any_of(node->buckets.begin(), node->buckets.end(),
                  [](const auto& bucket) { return bucket->refused_count > 0; }))
    return false;
  const Result<Fd> opened = root.open_directory(directory);
  if (!opened) return false;
  const std::vector<std::string_view> names = names_of(*node);
  for (const std::string& name : names_in(opened->get())) {
    if (!std::binary_search(names.begin(), names.end(), std::string_view(name))) return false;
  }
  return std::all_of(node->children.begin(), node->children.end(), [&](const Tree::Node& child) {
    const Result<RelativePath> path = directory.joined(child->name);
    if (!path) return false;
    const Result<FileStatus> status = root.status(*path);
    if (!status) return status.error().outcome == Outcome::not_found;
    return status->kind == FileKind::directory && has_only(root, *path, child);
  });
}

// No deeper than paths are: kPathDepthMax.
bool Mover::links_stay_inside(const RelativePath& directory, const Tree::Node& node) {
  BucketEntries entries(node->buckets);
  for (PackedEntry entry; entries.next(entry);) {
    if (entry.kind == EntryKind::symlink && !symlink_stays_inside(directory, entry.target)) return false;
  }
  return std::all_of(node->children.begin(), node->children.end(), [&](const Tree::Node& child) {
    const Result<RelativePath> path = directory.joined(child->name);
    return path && links_stay_inside(*path, child);
  });
}

// --- Renaming ---------------------------------------------------------------------------------------------------------

bool Mover::is_as(const RelativePath& directory, const Tree::Node& node) {
  return has_only(parts_.root, directory, node) && has_all(directory, node);
}

bool Mover::has_all(const RelativePath& directory, const Tree::Node& node) {
  const Result<Fd> opened = parts_.root.open_directory(directory);
  if (!opened) return false;
  BucketEntries entries(node->buckets);
  for (PackedEntry entry; entries.next(entry);) {
    const Result<RelativePath> path = directory.joined(entry.name);
    const Inspected there = parts_.ops.inspect({opened->get(), std::string(entry.name)});
    if (!path || there.error != 0) return false;
    const FileStatus& status = there.status;
    bool same = false;
    if (entry.kind == EntryKind::file) {
      same = status.kind == FileKind::file && status.mtime_ns == entry.mtime_ns &&
             has_mode(entry, status.mode) && parts_.records.has_content(*path, status, entry.digest(), {});
    } else if (entry.kind == EntryKind::directory) {
      const Tree::Node& child = Tree::child_of(*node, entry.name);
      same = status.kind == FileKind::directory && has_mode(entry, status.mode) && child &&
             has_all(*path, child);
    } else {
      const Result<std::string> target = parts_.root.read_link(*path);
      same = status.kind == FileKind::symlink && target && *target == entry.target;
    }
    if (!same) return false;
  }
  return true;
}

Result<void> Mover::record(const RelativePath& directory, const Tree::Node& node) {
  std::vector<Index::Pulled> files;
  const Result<Fd> opened = parts_.root.open_directory(directory);
  if (!opened) return opened.error();
  BucketEntries entries(node->buckets);
  for (PackedEntry entry; entries.next(entry);) {
    if (entry.kind != EntryKind::file && entry.kind != EntryKind::symlink) continue;
    const Result<RelativePath> path = directory.joined(entry.name);
    const Inspected there = parts_.ops.inspect({opened->get(), std::string(entry.name)});
    // What was saved here during the renaming is not the content that was looked at.
    const bool as_seen = there.error == 0 && there.status.size_bytes == entry.size_bytes &&
                         (entry.kind != EntryKind::file || there.status.mtime_ns == entry.mtime_ns);
    if (path && as_seen) files.push_back({*path, entry.digest(), there.status});
    if (files.size() < kCommitGroupFiles) continue;
    if (Result<void> recorded = parts_.records.record(files); !recorded) return recorded;
    files.clear();
  }
  if (Result<void> recorded = parts_.records.record(files); !recorded) return recorded;
  for (const Tree::Node& child : node->children) {
    const Result<RelativePath> path = directory.joined(child->name);
    if (!path) continue;
    if (Result<void> recorded = record(*path, child); !recorded) return recorded;
  }
  return {};
}

}  // namespace callboard::sync
