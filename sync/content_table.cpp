#include "sync/content_table.h"

#include <cstring>
#include <utility>

#include "base/ensure.h"
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
  Contents contents;
  for (std::uint32_t i = 0; i < trees_.size(); ++i) {
    if (trees_[i]->whole()) read(trees_[i]->whole(), nullptr, kFree, i, contents);
  }
  fill(contents);
}

ContentTable::ContentTable(std::shared_ptr<const Tree> tree, std::shared_ptr<const ContentTable> older)
    : trees_{std::move(tree)}, older_(std::move(older)) {
  ENSURE(older_->trees_.size() == 1 && !older_->older_);
  Contents contents;
  const Tree::Node& before = older_->trees_.front()->whole();
  if (trees_.front()->whole() != before) read(trees_.front()->whole(), before.get(), kFree, 0, contents);
  fill(contents);
}

// No deeper than paths are: kPathDepthMax.
void ContentTable::read(const Tree::Node& node, const Tree::Directory* older, std::uint32_t parent,
                        std::uint32_t tree, Contents& contents) {
  const auto index = static_cast<std::uint32_t>(directories_.size());
  directories_.push_back({node, parent, tree});
  if (node->files_below > 0)
    contents.push_back({part_of(node->digest, 0), {part_of(node->digest, 4), index, kWhole}});
  read_files(*node, older, index, contents);
  for (const Tree::Node& child : node->children) {
    const Tree::Directory* before = older == nullptr ? nullptr : Tree::child_of(*older, child->name).get();
    if (child.get() != before) read(child, before, index, tree, contents);
  }
}

void ContentTable::read_files(const Tree::Directory& directory, const Tree::Directory* older,
                              std::uint32_t index, Contents& contents) {
  std::size_t before = 0;
  std::size_t of_older = 0;
  for (const auto& bucket : directory.buckets) {
    // Both are in the order of their names.
    while (older != nullptr && of_older < older->buckets.size() &&
           older->buckets[of_older]->first_name() < bucket->first_name()) {
      ++of_older;
    }
    const bool is_known =
        older != nullptr && of_older < older->buckets.size() && older->buckets[of_older] == bucket;
    PackedEntries entries(is_known ? ByteView() : ByteView(bucket->packed));
    for (PackedEntry entry; entries.next(entry);) {
      if (entry.kind != EntryKind::file || entry.size_bytes == 0) continue;
      const std::size_t offset =
          before + static_cast<std::size_t>(entry.bytes.data() - bucket->packed.data());
      const Digest digest = entry.digest();
      contents.push_back(
          {part_of(digest, 0), {part_of(digest, 4), index, static_cast<std::uint32_t>(offset)}});
    }
    before += bucket->packed.size();
  }
}

void ContentTable::fill(const Contents& contents) {
  // What is asked for soon, so that its slot is here by then: 800,000 take 15 ms so, 60 ms without.
  constexpr std::size_t kAhead = 16;
  // A third more than there can be: 12 bytes × 4/3 = 16 a content.
  slots_.resize(contents.size() + contents.size() / 3 + 4);
  for (std::size_t i = 0; i < contents.size(); ++i) {
    if (i + kAhead < contents.size()) __builtin_prefetch(&slots_[first_slot(contents[i + kAhead].place)], 1);
    add(contents[i]);
  }
}

// XXH3 spreads evenly, so the upper part of a product is an even place.
std::size_t ContentTable::first_slot(std::uint32_t place) const {
  return static_cast<std::size_t>(static_cast<std::uint64_t>(place) * slots_.size() >> 32);
}

void ContentTable::add(const Content& content) {
  for (std::size_t at = first_slot(content.place);; at = at + 1 == slots_.size() ? 0 : at + 1) {
    Slot& slot = slots_[at];
    // Taken for equal by this part alone: in the one case in millions where they are not, one of them is sent after all.
    const bool equal =
        slot.check == content.slot.check && (slot.offset == kWhole) == (content.slot.offset == kWhole);
    if (slot.directory != kFree && equal) return;
    if (slot.directory != kFree) continue;
    slot = content.slot;
    ++size_;
    return;
  }
}

const ContentTable::Slot* ContentTable::find(const Digest& digest, bool whole) const {
  const std::uint32_t check = part_of(digest, 4);
  for (std::size_t at = first_slot(part_of(digest, 0));; at = at + 1 == slots_.size() ? 0 : at + 1) {
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

std::optional<RelativePath> ContentTable::own_file(const Digest& digest) const {
  const Slot* slot = find(digest, false);
  if (slot == nullptr) return std::nullopt;
  const std::optional<PackedEntry> entry = entry_at(*slot);
  if (!entry || entry->digest() != digest) return std::nullopt;
  const std::optional<RelativePath> directory = path_of(slot->directory);
  if (!directory) return std::nullopt;
  const Result<RelativePath> path = directory->joined(entry->name);
  return path ? std::optional(*path) : std::nullopt;
}

std::optional<ContentTable::Directory> ContentTable::own_directory(const Digest& digest) const {
  const Slot* slot = find(digest, true);
  if (slot == nullptr) return std::nullopt;
  const Tree::Node& node = directories_[slot->directory].node;
  std::optional<RelativePath> path = path_of(slot->directory);
  if (!path || node->digest != digest) return std::nullopt;
  return Directory{*std::move(path), node};
}

std::optional<RelativePath> ContentTable::file(const Digest& digest) const {
  std::optional<RelativePath> found = own_file(digest);
  if (found || !older_) return found;
  found = older_->own_file(digest);
  // It may have been changed or removed since.
  return found && trees_.front()->digest_of(*found) == digest ? found : std::nullopt;
}

std::optional<ContentTable::Directory> ContentTable::directory(const Digest& digest) const {
  std::optional<Directory> found = own_directory(digest);
  if (found || !older_) return found;
  found = older_->own_directory(digest);
  return found && trees_.front()->digest_of(found->path) == digest ? found : std::nullopt;
}

std::shared_ptr<const ContentTable> ContentTables::of(std::shared_ptr<const Tree> whole) {
  // Fewer are read anew quickly.
  constexpr std::size_t kSmall = 4096;
  const std::scoped_lock lock(mutex_);
  if (base_ && base_->trees().front() == whole) return base_;
  if (base_) {
    auto table = std::make_shared<const ContentTable>(whole, base_);
    if (table->size() <= base_->size() / 8 + kSmall) return table;
  }
  base_ = std::make_shared<const ContentTable>(std::vector{std::move(whole)});
  return base_;
}

}  // namespace callboard::sync
