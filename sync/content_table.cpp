#include "sync/content_table.h"

#include <cstring>
#include <utility>

#include "sync/packed_entries.h"

namespace callboard::sync {
namespace {

std::uint32_t part_of(const Digest& digest, std::size_t at) {
  std::uint32_t part = 0;
  std::memcpy(&part, digest.bytes.data() + at, sizeof(part));
  return part;
}

}  // namespace

ContentTable::ContentTable(std::vector<std::shared_ptr<const Tree>> trees) : trees_(std::move(trees)) {
  std::uint64_t contents = 0;
  for (const auto& tree : trees_) {
    const std::size_t directories = tree->directory_count();
    directories_.reserve(directories_.size() + directories);
    contents += tree->files() + directories;
  }
  // A quarter more than there can be: 12 bytes × 4/3 = 16 a content.
  slots_.resize(static_cast<std::size_t>(contents + contents / 3 + 4));
  for (std::uint32_t i = 0; i < trees_.size(); ++i) {
    if (trees_[i]->whole()) add_directory(trees_[i]->whole(), kFree, i);
  }
}

// No deeper than paths are: kPathDepthMax.
void ContentTable::add_directory(const Tree::Node& node, std::uint32_t parent, std::uint32_t tree) {
  const auto index = static_cast<std::uint32_t>(directories_.size());
  directories_.push_back({node, parent, tree});
  if (node->files_below > 0) add(node->digest, index, kWhole);
  std::size_t before = 0;
  for (const auto& bucket : node->buckets) {
    PackedEntries entries(bucket->packed);
    for (PackedEntry entry; entries.next(entry);) {
      if (entry.kind != EntryKind::file || entry.size_bytes == 0) continue;
      const std::size_t offset =
          before + static_cast<std::size_t>(entry.bytes.data() - bucket->packed.data());
      add(entry.digest(), index, static_cast<std::uint32_t>(offset));
    }
    before += bucket->packed.size();
  }
  for (const Tree::Node& child : node->children) add_directory(child, index, tree);
}

// XXH3 spreads evenly, so the upper part of a product is an even place.
std::size_t ContentTable::first_slot(const Digest& digest) const {
  return static_cast<std::size_t>(static_cast<std::uint64_t>(part_of(digest, 0)) * slots_.size() >> 32);
}

void ContentTable::add(const Digest& digest, std::uint32_t directory, std::uint32_t offset) {
  const std::uint32_t check = part_of(digest, 4);
  for (std::size_t at = first_slot(digest);; at = at + 1 == slots_.size() ? 0 : at + 1) {
    Slot& slot = slots_[at];
    // Taken for equal by this part alone: in the one case in millions where they are not, one of them is sent after all.
    const bool equal = slot.check == check && (slot.offset == kWhole) == (offset == kWhole);
    if (slot.directory != kFree && equal) return;
    if (slot.directory != kFree) continue;
    slot = {check, directory, offset};
    return;
  }
}

const ContentTable::Slot* ContentTable::find(const Digest& digest, bool whole) const {
  const std::uint32_t check = part_of(digest, 4);
  for (std::size_t at = first_slot(digest);; at = at + 1 == slots_.size() ? 0 : at + 1) {
    const Slot& slot = slots_[at];
    if (slot.directory == kFree) return nullptr;
    if (slot.check == check && (slot.offset == kWhole) == whole) return &slot;
  }
}

std::optional<RelativePath> ContentTable::path_of(std::uint32_t directory) const {
  const Known& known = directories_[directory];
  if (known.parent == kFree) return trees_[known.tree]->path();
  const std::optional<RelativePath> parent = path_of(known.parent);
  if (!parent) return std::nullopt;
  const Result<RelativePath> path = parent->joined(known.node->name);
  return path ? std::optional(*path) : std::nullopt;
}

std::optional<PackedEntry> ContentTable::entry_at(const Slot& slot) const {
  std::size_t offset = slot.offset;
  for (const auto& bucket : directories_[slot.directory].node->buckets) {
    if (offset < bucket->packed.size()) {
      PackedEntry entry;
      PackedEntries entries(ByteView(bucket->packed).subspan(offset));
      return entries.next(entry) ? std::optional(entry) : std::nullopt;
    }
    offset -= bucket->packed.size();
  }
  return std::nullopt;
}

std::optional<RelativePath> ContentTable::file(const Digest& digest) const {
  const Slot* slot = find(digest, false);
  if (slot == nullptr) return std::nullopt;
  const std::optional<PackedEntry> entry = entry_at(*slot);
  if (!entry || entry->digest() != digest) return std::nullopt;
  const std::optional<RelativePath> directory = path_of(slot->directory);
  if (!directory) return std::nullopt;
  const Result<RelativePath> path = directory->joined(entry->name);
  return path ? std::optional(*path) : std::nullopt;
}

std::optional<ContentTable::Directory> ContentTable::directory(const Digest& digest) const {
  const Slot* slot = find(digest, true);
  if (slot == nullptr) return std::nullopt;
  const Tree::Node& node = directories_[slot->directory].node;
  std::optional<RelativePath> path = path_of(slot->directory);
  if (!path || node->digest != digest) return std::nullopt;
  return Directory{*std::move(path), node};
}

}  // namespace callboard::sync
