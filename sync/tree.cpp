#include "sync/tree.h"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

#include "sync/packed_entries.h"

namespace callboard::sync {
namespace {

// nullopt when there is no such name.
std::optional<Entry> entry_in(const Tree::Directory& directory, std::string_view name) {
  const TreeBuckets& buckets = directory.buckets;
  auto bucket =
      std::upper_bound(buckets.begin(), buckets.end(), name,
                       [](std::string_view wanted, const auto& each) { return wanted < each->first_name(); });
  if (bucket == buckets.begin()) return std::nullopt;
  PackedEntries entries((*--bucket)->packed);
  for (PackedEntry entry; entries.next(entry);) {
    if (entry.name == name) return unpacked(entry);
  }
  return std::nullopt;
}

std::size_t count_directories(const Tree::Directory& directory) {
  std::size_t count = 1;
  for (const Tree::Node& child : directory.children) count += count_directories(*child);
  return count;
}

// No deeper than paths are: kPathDepthMax.
void add_refused(const Tree::Directory& directory, const std::string& item, std::size_t most,
                 std::vector<Tree::Refused>& all) {
  for (const auto& bucket : directory.buckets) {
    if (bucket->refused_count == 0) continue;
    PackedEntries entries(bucket->packed);
    for (PackedEntry entry; all.size() < most && entries.next(entry);) {
      if (entry.kind != EntryKind::refused) continue;
      all.push_back({item + std::string(entry.name), std::string(entry.target)});
    }
  }
  for (const Tree::Node& child : directory.children) {
    if (all.size() >= most) return;
    add_refused(*child, item + child->name + "/", most, all);
  }
}

// The subdirectory of that name.
bool leads_to_refused(const Tree::Directory& directory, const PackedEntry& entry) {
  if (!directory.is_partial || entry.kind != EntryKind::directory) return false;
  const Tree::Node& child = Tree::child_of(directory, entry.name);
  return child != nullptr && child->is_partial;
}

bool leads_to_refused(const Tree::Directory& directory, const TreeBucket& bucket) {
  if (!directory.is_partial) return false;
  PackedEntries entries(bucket.packed);
  for (PackedEntry entry; entries.next(entry);) {
    if (leads_to_refused(directory, entry)) return true;
  }
  return false;
}

}  // namespace

const Tree::Node& Tree::child_of(const Directory& directory, std::string_view name) {
  static const Node kNone;
  const auto found = std::lower_bound(directory.children.begin(), directory.children.end(), name,
                                      [](const Node& a, std::string_view b) { return a->name < b; });
  return found != directory.children.end() && (*found)->name == name ? *found : kNone;
}

bool Tree::has_file(const Directory& directory, std::string_view name) {
  const auto entry = entry_in(directory, name);
  return entry && entry->kind == EntryKind::file;
}

Tree::Tree(RelativePath path, Entry top, Node whole)
    : path_(std::move(path)), top_(std::move(top)), whole_(std::move(whole)) {
  top_.name.clear();
  if (whole_) {
    files_ = whole_->files_below;
    bytes_ = whole_->bytes_below;
  } else if (top_.kind == EntryKind::file) {
    files_ = 1;
    bytes_ = top_.size_bytes;
  }
}

std::size_t Tree::directory_count() const { return whole_ ? count_directories(*whole_) : 0; }

const Tree::Directory* Tree::find(const RelativePath& path) const {
  if (!whole_ || !path.is_beneath(path_)) return nullptr;
  std::string_view left = path.bytes();
  if (!path_.is_root()) left.remove_prefix(std::min(left.size(), path_.bytes().size() + 1));
  const Directory* at = whole_.get();
  while (at != nullptr && !left.empty()) {
    const std::string_view name = left.substr(0, left.find('/'));
    left.remove_prefix(std::min(left.size(), name.size() + 1));
    at = child_of(*at, name).get();
  }
  return at;
}

Digest Tree::digest_of(const RelativePath& path) const {
  if (path == path_) return top_.digest;
  if (const Directory* directory = find(path)) return directory->digest;
  const Directory* parent = path.is_root() ? nullptr : find(path.parent());
  if (parent == nullptr) return {};
  const auto entry = entry_in(*parent, path.name());
  return entry ? entry->digest : Digest{};
}

std::shared_ptr<const Tree> Tree::part(const RelativePath& path) const {
  if (path == path_) return std::make_shared<Tree>(path_, top_, whole_);
  const Directory* parent = path.is_root() ? nullptr : find(path.parent());
  if (parent == nullptr) return nullptr;
  if (const Node& child = child_of(*parent, path.name())) {
    return std::make_shared<Tree>(path, child->entry(), child);
  }
  auto entry = entry_in(*parent, path.name());
  return entry ? std::make_shared<Tree>(path, *std::move(entry), nullptr) : nullptr;
}

std::shared_ptr<const Listing> Tree::listing_of(const RelativePath& directory,
                                                std::span<const std::uint64_t> known, Reader reader) const {
  const Directory* found = find(directory);
  if (found == nullptr) return nullptr;
  auto listing = std::make_shared<Listing>();
  listing->directory = directory;
  listing->digest = found->digest;
  listing->files_below = found->files_below;
  listing->bytes_below = found->bytes_below;
  const std::unordered_set<std::uint64_t> known_names(known.begin(), known.end());
  for (const auto& bucket : found->buckets) {
    const bool must_show = reader == Reader::puller && leads_to_refused(*found, *bucket);
    if (known_names.contains(bucket->name()) && bucket->refused_count == 0 && !must_show) {
      listing->same.push_back(bucket->name());
      continue;
    }
    PackedEntries entries(bucket->packed);
    for (PackedEntry entry; entries.next(entry);) {
      listing->entries.push_back(unpacked(entry));
      if (must_show && leads_to_refused(*found, entry)) listing->entries.back().digest = {};
    }
  }
  return listing;
}

void Tree::add_totals(const Directory& child, Directory& into) {
  into.files_below += child.files_below;
  into.bytes_below += child.bytes_below;
  into.newest_ns = std::max(into.newest_ns, child.newest_ns);
  into.is_partial |= child.is_partial;
}

std::vector<std::uint64_t> Tree::bucket_names(const RelativePath& directory) const {
  std::vector<std::uint64_t> names;
  const Directory* found = find(directory);
  if (found == nullptr) return names;
  for (const auto& bucket : found->buckets) {
    if (bucket->refused_count == 0) names.push_back(bucket->name());
  }
  return names;
}

std::vector<Tree::Refused> Tree::refused(std::size_t most) const {
  std::vector<Refused> all;
  if (whole_) add_refused(*whole_, path_.is_root() ? "/" : path_.to_item() + "/", most, all);
  return all;
}

void Tree::pack(std::span<const Entry> entries, Directory& into) {
  BucketCutter cutter;
  for (const Entry& entry : entries) cutter.add(entry);
  set_buckets(cutter.finish(), into);
}

void Tree::set_buckets(TreeBuckets buckets, Directory& into) {
  into.buckets = std::move(buckets);
  for (const auto& bucket : into.buckets) {
    into.files_below += bucket->files;
    into.bytes_below += bucket->bytes;
    into.newest_ns = std::max(into.newest_ns, bucket->newest_ns);
    into.is_partial |= bucket->refused_count > 0;
  }
  into.digest = sync::digest_of(into.buckets);
}

}  // namespace callboard::sync
