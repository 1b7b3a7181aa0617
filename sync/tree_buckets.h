#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/entry.h"
#include "sync/packed_entries.h"

namespace callboard::sync {

// Neighbouring entries of a directory, in the wire's form one after the other. Where one bucket ends and the next begins is
// decided by the names alone (docs/protocol.md, 3.1), so that a change of one entry makes one or two buckets anew and trees
// share all others. Immutable.
struct TreeBucket {
  Bytes packed;
  std::uint32_t entry_count = 0;
  std::uint32_t refused_count = 0;  // Of them.
  Digest digest;                    // Of all but the refused.
  // Regular files directly in it.
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::int64_t newest_ns = std::numeric_limits<std::int64_t>::min();

  // What stands for it on the wire: the first 64 bits of its digest.
  std::uint64_t name() const;
  std::string_view first_name() const;
};
using TreeBuckets = std::vector<std::shared_ptr<const TreeBucket>>;

// A bucket ends with the entry whose name's XXH3-64 has its lowest four bits zero, once it has kBucketMin entries, and with
// the kBucketMax-th in any case; refused entries do not count. 32 on average: ten changed files among 50,000 in one
// directory cost 20 KiB of entries and 25 KiB of names of buckets; buckets of 512 would cost 300 KiB.
inline constexpr std::uint32_t kBucketMin = 16;
inline constexpr std::uint32_t kBucketMax = 128;

// Puts entries, in order, into buckets.
class BucketCutter {
 public:
  void add(const PackedEntry& entry);
  void add(const Entry& entry);
  // A whole bucket of another tree, which is shared where it stands for itself.
  void add(const std::shared_ptr<const TreeBucket>& bucket);
  TreeBuckets finish();

 private:
  void end_bucket();

  TreeBuckets buckets_;
  TreeBucket open_;
  Bytes without_refused_;  // Of open_, once it has refused entries.
};

// Of a directory: what stands for the whole of it.
Digest digest_of(const TreeBuckets& buckets);
bool same_buckets(const TreeBuckets& a, const TreeBuckets& b);

}  // namespace callboard::sync
