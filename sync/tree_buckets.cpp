#include "sync/tree_buckets.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "sync/hash.h"

namespace callboard::sync {
namespace {

constexpr std::uint64_t kCutMask = 15;

void append(ByteView bytes, Bytes& to) { to.insert(to.end(), bytes.begin(), bytes.end()); }

}  // namespace

std::uint64_t TreeBucket::name() const { return ByteReader(digest.bytes).u64(); }

std::string_view TreeBucket::first_name() const {
  PackedEntries entries(packed);
  PackedEntry first;
  const bool any = entries.next(first);
  ENSURE(any);
  return first.name;
}

void BucketCutter::add(const Entry& entry) {
  Bytes packed;
  serialise(entry, packed);
  PackedEntries entries(packed);
  PackedEntry one;
  const bool any = entries.next(one);
  ENSURE(any);
  add(one);
}

void BucketCutter::add(const PackedEntry& entry) {
  const bool refused = entry.kind == EntryKind::refused;
  if (refused && open_.refused_count == 0) without_refused_ = open_.packed;
  append(entry.bytes, open_.packed);
  open_.entry_count += 1;
  if (refused) {
    open_.refused_count += 1;
    return;
  }
  if (open_.refused_count > 0) append(entry.bytes, without_refused_);
  if (entry.kind == EntryKind::file) {
    open_.files += 1;
    open_.bytes += entry.size_bytes;
    open_.newest_ns = std::max(open_.newest_ns, entry.mtime_ns);
  }
  const std::uint32_t counted = open_.entry_count - open_.refused_count;
  if (counted < kBucketMin) return;
  const bool is_cut = (XXH3_64bits(entry.name.data(), entry.name.size()) & kCutMask) == 0;
  if (is_cut || counted >= kBucketMax) end_bucket();
}

void BucketCutter::add(const std::shared_ptr<const TreeBucket>& bucket) {
  if (open_.entry_count == 0) {
    buckets_.push_back(bucket);
    return;
  }
  PackedEntries entries(bucket->packed);
  for (PackedEntry entry; entries.next(entry);) add(entry);
}

void BucketCutter::end_bucket() {
  open_.digest = digest_of(open_.refused_count > 0 ? without_refused_ : open_.packed);
  open_.packed.shrink_to_fit();
  buckets_.push_back(std::make_shared<const TreeBucket>(std::exchange(open_, {})));
  without_refused_.clear();
}

TreeBuckets BucketCutter::finish() {
  if (open_.entry_count > 0) end_bucket();
  buckets_.shrink_to_fit();
  return std::move(buckets_);
}

// Buckets of nothing but refused entries are none to those who do not have these.
Digest digest_of(const TreeBuckets& buckets) {
  Bytes digests;
  for (const auto& bucket : buckets) {
    if (bucket->entry_count > bucket->refused_count) append(bucket->digest.bytes, digests);
  }
  if (digests.empty()) return digest_of(ByteView());
  if (digests.size() > sizeof(Digest::bytes)) return digest_of(ByteView(digests));
  Digest only;
  std::copy(digests.begin(), digests.end(), only.bytes.begin());
  return only;
}

bool same_buckets(const TreeBuckets& a, const TreeBuckets& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one == other || one->packed == other->packed;
  });
}

}  // namespace callboard::sync
