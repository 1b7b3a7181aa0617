#include "sync/tree.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sync/hash.h"
#include "sync/packed_entries.h"

namespace callboard::sync {
namespace {

// Of a serialised entry without its two texts: kind, mode, size, mtime, digest, two lengths. Only to reserve memory.
constexpr std::size_t kEntryHead = 1 + 2 + 8 + 8 + 16 + 2 + 2;

Digest digest_without_refused(std::span<const Entry> entries) {
  Bytes packed;
  for (const Entry& entry : entries) {
    if (entry.kind != EntryKind::refused) serialise(entry, packed);
  }
  return digest_of(packed);
}

// nullopt when there is no such name.
std::optional<Entry> entry_in(const Tree::Directory& directory, std::string_view name) {
  PackedEntries entries(directory.packed);
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
  if (directory.has_refused) {
    PackedEntries entries(directory.packed);
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

}  // namespace

const Tree::Node& Tree::child_of(const Directory& directory, std::string_view name) {
  static const Node kNone;
  const auto found = std::lower_bound(directory.children.begin(), directory.children.end(), name,
                                      [](const Node& a, std::string_view b) { return a->name < b; });
  return found != directory.children.end() && (*found)->name == name ? *found : kNone;
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

std::shared_ptr<const Listing> Tree::listing_of(const RelativePath& directory) const {
  const Directory* found = find(directory);
  if (found == nullptr) return nullptr;
  auto listing = std::make_shared<Listing>();
  listing->directory = directory;
  listing->digest = found->digest;
  listing->files_below = found->files_below;
  listing->bytes_below = found->bytes_below;
  listing->entries.reserve(found->entry_count);
  PackedEntries entries(found->packed);
  for (PackedEntry entry; entries.next(entry);) listing->entries.push_back(unpacked(entry));
  return listing;
}

std::vector<Tree::Refused> Tree::refused(std::size_t most) const {
  std::vector<Refused> all;
  if (whole_) add_refused(*whole_, path_.is_root() ? "/" : path_.to_item() + "/", most, all);
  return all;
}

// Nothing refused: the packed form is what the digest is taken over (docs/protocol.md, 3.1).
void Tree::pack(std::span<const Entry> entries, Directory& into) {
  std::size_t size_bytes = 0;
  for (const Entry& entry : entries) size_bytes += kEntryHead + entry.name.size() + entry.target.size();
  into.packed.reserve(size_bytes);
  for (const Entry& entry : entries) {
    serialise(entry, into.packed);
    into.has_refused = into.has_refused || entry.kind == EntryKind::refused;
    if (entry.kind != EntryKind::file) continue;
    ++into.files_below;
    into.bytes_below += entry.size_bytes;
    into.newest_ns = std::max(into.newest_ns, entry.mtime_ns);
  }
  into.entry_count = static_cast<std::uint32_t>(entries.size());
  into.digest = into.has_refused ? digest_without_refused(entries) : sync::digest_of(into.packed);
}

}  // namespace callboard::sync
