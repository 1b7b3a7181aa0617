#include "sync/tree_merge.h"

#include <algorithm>
#include <utility>

#include "sync/packed_entries.h"

namespace callboard::sync {
namespace {

// Puts the entries of one bucket and the names from `next` to `end` into the cutter, in order.
void merge_bucket(const TreeBucket* old, ChangedNames::const_iterator& next, ChangedNames::const_iterator end,
                  BucketCutter& cutter) {
  const auto add_next = [&] {
    if (!next->second.entry.name.empty()) cutter.add(next->second.entry);
    ++next;
  };
  PackedEntries entries(old != nullptr ? ByteView(old->packed) : ByteView());
  for (PackedEntry entry; entries.next(entry);) {
    while (next != end && next->first < entry.name) add_next();
    if (next != end && next->first == entry.name) {
      add_next();
    } else {
      cutter.add(entry);
    }
  }
  while (next != end) add_next();
}

// Only buckets into which a changed name falls are taken apart, and what follows them up to the next common cut.
TreeBuckets merged_buckets(const Tree::Directory& old, const ChangedNames& names) {
  BucketCutter cutter;
  auto next = names.begin();
  for (std::size_t i = 0; i < old.buckets.size(); ++i) {
    const bool is_last = i + 1 == old.buckets.size();
    const auto end = is_last ? names.end() : names.lower_bound(old.buckets[i + 1]->first_name());
    if (next == end) {
      cutter.add(old.buckets[i]);
    } else {
      merge_bucket(old.buckets[i].get(), next, end, cutter);
    }
  }
  merge_bucket(nullptr, next, names.end(), cutter);
  return cutter.finish();
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

}  // namespace

Tree::Node merged(const Tree::Node& old, const ChangedNames& names, const std::optional<FileStatus>& status) {
  auto made = std::make_shared<Tree::Directory>();
  made->name = old->name;
  made->mode = status ? status->mode : old->mode;
  made->mtime_ns = status ? status->mtime_ns : old->mtime_ns;
  TreeBuckets buckets = merged_buckets(*old, names);
  made->children = merged_children(*old, names);
  if (same_buckets(buckets, old->buckets) && made->children == old->children && made->mode == old->mode &&
      made->mtime_ns == old->mtime_ns) {
    return old;
  }
  Tree::set_buckets(std::move(buckets), *made);
  for (const Tree::Node& child : made->children) Tree::add_totals(*child, *made);
  return made;
}

}  // namespace callboard::sync
