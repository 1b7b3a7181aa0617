#include "sync/tree_merge.h"

#include <algorithm>
#include <utility>

#include "sync/hash.h"
#include "sync/packed_entries.h"

namespace callboard::sync {
namespace {

void append(ByteView bytes, Bytes& to) { to.insert(to.end(), bytes.begin(), bytes.end()); }

Bytes merged_entries(const Tree::Directory& old, const ChangedNames& names) {
  Bytes packed;
  std::size_t growth = 0;
  for (const auto& [name, changed] : names) {
    growth += sizeof(Entry) + changed.entry.name.size() + changed.entry.target.size();
  }
  packed.reserve(old.packed.size() + growth);

  auto next = names.begin();
  const auto add_next = [&] {
    if (!next->second.entry.name.empty()) serialise(next->second.entry, packed);
    ++next;
  };
  // What stays is copied in as few pieces as there are changes, and one more.
  const std::byte* run = old.packed.data();
  PackedEntries entries(old.packed);
  for (PackedEntry entry; entries.next(entry);) {
    if (next == names.end() || entry.name < next->first) continue;
    append({run, entry.bytes.data()}, packed);
    run = entry.bytes.data();
    while (next != names.end() && next->first < entry.name) add_next();
    if (next == names.end() || next->first != entry.name) continue;
    add_next();
    run = entry.bytes.data() + entry.bytes.size();
  }
  append({run, old.packed.data() + old.packed.size()}, packed);
  while (next != names.end()) add_next();
  packed.shrink_to_fit();
  return packed;
}

std::vector<Tree::Node> merged_children(const Tree::Directory& old, const ChangedNames& names) {
  std::vector<Tree::Node> children;
  children.reserve(old.children.size() + names.size());
  for (const Tree::Node& child : old.children) {
    if (!names.contains(child->name)) children.push_back(child);
  }
  const auto kept = static_cast<std::ptrdiff_t>(children.size());
  for (const auto& [name, changed] : names) {
    if (changed.child) children.push_back(changed.child);
  }
  std::inplace_merge(children.begin(), children.begin() + kept, children.end(),
                     [](const Tree::Node& a, const Tree::Node& b) { return a->name < b->name; });
  children.shrink_to_fit();
  return children;
}

// Of what `into` holds by now.
void add_totals(Tree::Directory& into) {
  Bytes without_refused;
  PackedEntries entries(into.packed);
  for (PackedEntry entry; entries.next(entry);) {
    ++into.entry_count;
    into.has_refused = into.has_refused || entry.kind == EntryKind::refused;
    if (entry.kind != EntryKind::file) continue;
    ++into.files_below;
    into.bytes_below += entry.size_bytes;
    into.newest_ns = std::max(into.newest_ns, entry.mtime_ns);
  }
  for (const Tree::Node& child : into.children) {
    into.files_below += child->files_below;
    into.bytes_below += child->bytes_below;
    into.newest_ns = std::max(into.newest_ns, child->newest_ns);
  }
  if (into.has_refused) {
    entries = PackedEntries(into.packed);
    for (PackedEntry entry; entries.next(entry);) {
      if (entry.kind != EntryKind::refused) append(entry.bytes, without_refused);
    }
  }
  into.digest = digest_of(into.has_refused ? without_refused : into.packed);
}

}  // namespace

Tree::Node merged(const Tree::Node& old, const ChangedNames& names, const std::optional<FileStatus>& status) {
  auto made = std::make_shared<Tree::Directory>();
  made->name = old->name;
  made->mode = status ? status->mode : old->mode;
  made->mtime_ns = status ? status->mtime_ns : old->mtime_ns;
  made->packed = merged_entries(*old, names);
  made->children = merged_children(*old, names);
  if (made->packed == old->packed && made->children == old->children && made->mode == old->mode &&
      made->mtime_ns == old->mtime_ns) {
    return old;
  }
  add_totals(*made);
  return made;
}

}  // namespace callboard::sync
