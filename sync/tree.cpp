#include "sync/tree.h"

#include <algorithm>
#include <utility>

#include "sync/hash.h"

namespace callboard::sync {
namespace {

// Of a serialised entry without its two texts: kind, mode, size, mtime, digest, two lengths. Only to reserve memory.
constexpr std::size_t kEntryHead = 1 + 2 + 8 + 8 + 16 + 2 + 2;

// Directories are packed by this program, so a broken one is a bug.
template <class Visit>
void for_each_entry(const Tree::Directory& directory, Visit visit) {
  ByteReader reader(directory.packed);
  Entry entry;
  for (std::uint32_t left = directory.entry_count; left > 0; --left) {
    ENSURE(parse(reader, entry));
    visit(entry);
  }
  ENSURE(reader.finished());
}

Digest digest_without_refused(std::span<const Entry> entries) {
  Bytes packed;
  for (const Entry& entry : entries) {
    if (entry.kind != EntryKind::refused) serialise(entry, packed);
  }
  return digest_of(packed);
}

}  // namespace

Tree::Tree(RelativePath path, Entry top, std::vector<Directory> directories)
    : path_(std::move(path)), top_(std::move(top)), directories_(std::move(directories)) {
  std::sort(directories_.begin(), directories_.end(),
            [](const Directory& a, const Directory& b) { return a.path < b.path; });
  if (const Directory* whole = find(path_.bytes())) {
    files_ = whole->files_below;
    bytes_ = whole->bytes_below;
  } else if (top_.kind == EntryKind::file) {
    files_ = 1;
    bytes_ = top_.size_bytes;
  }
}

const Tree::Directory* Tree::find(std::string_view path) const {
  const auto found = std::lower_bound(directories_.begin(), directories_.end(), path,
                                      [](const Directory& a, std::string_view b) { return a.path < b; });
  return found != directories_.end() && found->path == path ? &*found : nullptr;
}

Digest Tree::digest_of(const RelativePath& path) const {
  if (path == path_) return top_.digest;
  if (const Directory* directory = find(path.bytes())) return directory->digest;
  const Directory* parent = path.is_root() ? nullptr : find(path.parent().bytes());
  Digest digest;
  if (parent == nullptr) return digest;
  for_each_entry(*parent, [&](const Entry& entry) {
    if (entry.name == path.name()) digest = entry.digest;
  });
  return digest;
}

std::shared_ptr<const Listing> Tree::listing_of(const RelativePath& directory) const {
  const Directory* found = find(directory.bytes());
  if (found == nullptr) return nullptr;
  auto listing = std::make_shared<Listing>();
  listing->directory = directory;
  listing->digest = found->digest;
  listing->files_below = found->files_below;
  listing->bytes_below = found->bytes_below;
  listing->entries.reserve(found->entry_count);
  for_each_entry(*found, [&](const Entry& entry) { listing->entries.push_back(entry); });
  return listing;
}

std::vector<Tree::Refused> Tree::refused(std::size_t most) const {
  std::vector<Refused> all;
  for (const Directory& directory : directories_) {
    if (!directory.has_refused) continue;
    for_each_entry(directory, [&](const Entry& entry) {
      if (entry.kind != EntryKind::refused || all.size() >= most) return;
      const std::string slash = directory.path.empty() ? "/" : "/" + directory.path + "/";
      all.push_back({slash + entry.name, entry.target});
    });
  }
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
  }
  into.entry_count = static_cast<std::uint32_t>(entries.size());
  into.digest = into.has_refused ? digest_without_refused(entries) : sync::digest_of(into.packed);
}

}  // namespace callboard::sync
