#include "client/found_equal.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "sync/packed_entries.h"

namespace callboard::client {
namespace {

bool has_content(const sync::PackedEntry& entry) {
  return entry.kind == EntryKind::file || entry.kind == EntryKind::symlink;
}

// Whether the first file or link at or beneath it is known as pulled; nullopt when there is none. No deeper than paths are:
// kPathDepthMax.
std::optional<bool> is_first_known(sync::PullRecords& records, const sync::RelativePath& directory,
                                   const sync::Tree::Directory& node) {
  sync::BucketEntries entries(node.buckets);
  for (sync::PackedEntry entry; entries.next(entry);) {
    if (!has_content(entry)) continue;
    const Result<sync::RelativePath> path = directory.joined(entry.name);
    return path && records.pulled(*path) == entry.digest();
  }
  for (const sync::Tree::Node& child : node.children) {
    const Result<sync::RelativePath> path = directory.joined(child->name);
    if (!path) continue;
    if (const auto known = is_first_known(records, *path, *child)) return known;
  }
  return std::nullopt;
}

// What is to be recorded of it; nullopt: by now it is another than `entry`, or in doubt.
std::optional<sync::Index::Pulled> as_seen(const sync::Root& root, sync::PullRecords& records,
                                           const sync::RelativePath& path, const Entry& entry) {
  const Result<sync::FileStatus> there = root.status(path);
  if (!there) return std::nullopt;
  bool is_alike = false;
  if (entry.kind == EntryKind::symlink) {
    const Result<std::string> target = root.read_link(path);
    is_alike = target && *target == entry.target;
  } else {
    is_alike = records.has_content(path, *there, entry.digest);
  }
  return is_alike ? std::optional(sync::Index::Pulled{path, entry.digest, *there}) : std::nullopt;
}

// No deeper than paths are: kPathDepthMax.
Result<void> record(const sync::Root& root, sync::PullRecords& records, const sync::RelativePath& directory,
                    const sync::Tree::Directory& node) {
  std::vector<sync::Index::Pulled> files;
  sync::BucketEntries entries(node.buckets);
  for (sync::PackedEntry entry; entries.next(entry);) {
    if (!has_content(entry)) continue;
    const Result<sync::RelativePath> path = directory.joined(entry.name);
    if (!path) continue;
    if (auto seen = as_seen(root, records, *path, sync::unpacked(entry))) files.push_back(*std::move(seen));
    if (files.size() < kCommitGroupFiles) continue;
    if (Result<void> recorded = records.record(std::exchange(files, {})); !recorded) return recorded;
  }
  if (Result<void> recorded = records.record(files); !recorded) return recorded;
  for (const sync::Tree::Node& child : node.children) {
    const Result<sync::RelativePath> path = directory.joined(child->name);
    if (!path) continue;
    if (Result<void> recorded = record(root, records, *path, *child); !recorded) return recorded;
  }
  return {};
}

}  // namespace

Result<void> record_equal(const sync::Root& root, sync::PullRecords& records,
                          const sync::RelativePath& directory, const sync::Tree::Node& node) {
  if (node == nullptr || is_first_known(records, directory, *node).value_or(true)) return {};
  return record(root, records, directory, *node);
}

Result<void> record_equal(const sync::Root& root, sync::PullRecords& records, const sync::RelativePath& path,
                          const Entry& entry) {
  if (records.pulled(path) == entry.digest) return {};
  const auto seen = as_seen(root, records, path, entry);
  return seen ? records.record({*seen}) : Result<void>();
}

}  // namespace callboard::client
