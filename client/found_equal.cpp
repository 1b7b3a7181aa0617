#include "client/found_equal.h"

#include <utility>

#include "base/limits.h"
#include "sync/packed_entries.h"

namespace callboard::client {
namespace {

bool has_content(EntryKind kind) { return kind == EntryKind::file || kind == EntryKind::symlink; }

// Whether the first file or link at or beneath it is known as pulled; nullopt when there is none. No deeper than paths are:
// kPathDepthMax.
std::optional<bool> is_first_known(sync::PullRecords& records, const sync::RelativePath& directory,
                                   const sync::Tree::Directory& node) {
  sync::BucketEntries entries(node.buckets);
  for (sync::PackedEntry entry; entries.next(entry);) {
    if (!has_content(entry.kind)) continue;
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

}  // namespace

bool FoundEqual::goes_on() const { return !has_failed_ && !cancelled_; }

std::optional<sync::Index::Pulled> FoundEqual::found(const sync::RelativePath& path, const Digest& content) {
  return sync::found_with_content(root_, records_, path, content,
                                  [this](std::uint64_t) { return !cancelled_; });
}

void FoundEqual::add(const sync::RelativePath& path, const Entry& entry) {
  if (!has_content(entry.kind) || !goes_on() || records_.pulled(path) == entry.digest) return;
  if (auto file = found(path, entry.digest)) put(*std::move(file));
}

void FoundEqual::add(const sync::RelativePath& directory, const sync::Tree::Node& node) {
  if (node == nullptr || !goes_on() || is_first_known(records_, directory, *node).value_or(true)) return;
  is_first_ = true;
  add_below(directory, *node);
  if (auto first = std::exchange(first_, std::nullopt)) put(*std::move(first));
}

// No deeper than paths are: kPathDepthMax.
void FoundEqual::add_below(const sync::RelativePath& directory, const sync::Tree::Directory& node) {
  sync::BucketEntries entries(node.buckets);
  for (sync::PackedEntry entry; goes_on() && entries.next(entry);) {
    if (!has_content(entry.kind)) continue;
    const Result<sync::RelativePath> path = directory.joined(entry.name);
    const bool is_first = std::exchange(is_first_, false);
    if (!path) continue;
    auto file = found(*path, entry.digest());
    if (is_first) {
      first_ = std::move(file);
    } else if (file) {
      put(*std::move(file));
    }
  }
  for (const sync::Tree::Node& child : node.children) {
    const Result<sync::RelativePath> path = directory.joined(child->name);
    if (path) add_below(*path, *child);
  }
}

void FoundEqual::put(sync::Index::Pulled file) {
  files_.push_back(std::move(file));
  if (files_.size() >= kCommitGroupFiles) finish();
}

void FoundEqual::finish() {
  const std::vector<sync::Index::Pulled> files = std::exchange(files_, {});
  if (goes_on()) has_failed_ = !records_.record(files);
}

}  // namespace callboard::client
