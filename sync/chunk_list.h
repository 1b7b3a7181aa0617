#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/bytes.h"
#include "base/entry.h"
#include "sync/chunker.h"

namespace callboard::sync {

class Index;

// Files that travel as chunks: smaller ones are sent sooner than compared, and larger ones have lists longer than 16 MiB.
inline constexpr std::uint64_t kDeltaFileMin = 8 * MiB;
inline constexpr std::uint64_t kDeltaFileMax = 16 * GiB;
// Chunks but the last are no shorter than kChunkMin.
inline constexpr std::uint64_t kChunksMax = kDeltaFileMax / kChunkMin + 1;

// Sizes added up.
std::uint64_t total_bytes(const ChunkList& chunks);

// Neighbouring chunks, about 64 of them, cut after a chunk whose last six bits are zero, after 256 at the latest. On the wire
// a group that the other side has named stands for its chunks: 16 bits of zero, then 48 bits of its XXH3-64.
struct ChunkGroup {
  std::size_t first = 0;
  std::size_t count = 0;
  Chunk name;
};
std::vector<ChunkGroup> groups_of(const ChunkList& chunks);
inline bool is_group(Chunk chunk) { return chunk.size_bytes() == 0; }

// Makes of a list, which may come in parts, what travels to one who has the groups named in `known`.
class ChunkShortener {
 public:
  explicit ChunkShortener(const std::vector<std::uint64_t>& known) : known_(known.begin(), known.end()) {}
  void add(const ChunkList& chunks, std::vector<std::uint64_t>& out);
  // After the last part.
  void finish(std::vector<std::uint64_t>& out);

 private:
  void put(const ChunkGroup& group, std::vector<std::uint64_t>& out) const;

  std::unordered_set<std::uint64_t> known_;
  ChunkList pending_;  // Of a group that may go on.
};

// The lists an index keeps, by the digest of the content they describe. What is damaged counts as not kept.
std::optional<ChunkList> kept_chunks(const Index& index, const Digest& content, std::uint64_t size_bytes);
void keep_chunks(Index& index, const Digest& content, const ChunkList& chunks);

// A piece of a file to be: from the old version, or wanted.
struct DeltaSegment {
  std::uint64_t size_bytes = 0;
  std::optional<std::uint64_t> old_offset;
};
struct DeltaPlan {
  std::vector<DeltaSegment> segments;  // In order; neighbours of a kind are one.
  std::uint64_t wanted_bytes = 0;
};

// Finds the chunks of a new list, which may come in parts, in an old version.
class DeltaPlanner {
 public:
  explicit DeltaPlanner(ChunkList old);
  // More of the old version's chunks, when they are made meanwhile.
  void add_old(const ChunkList& more);
  const ChunkList& old() const { return old_; }

  // Names of the old version's groups.
  std::vector<std::uint64_t> group_names();
  // Appends the chunks behind a part of a list, groups opened. False when one of them is no group of the old version, or
  // there are more than kChunksMax.
  bool open(const std::vector<std::uint64_t>& part, ChunkList& chunks) const;
  DeltaPlan plan(const ChunkList& chunks) const;

 private:
  ChunkList old_;
  std::vector<std::uint64_t> offsets_;                     // Of old_, each.
  std::unordered_map<std::uint64_t, std::size_t> places_;  // Packed chunk to where it first is in old_.
  std::unordered_map<std::uint64_t, ChunkGroup> groups_;
};

// What `plan` says from `offset` on: what stands before is here already.
DeltaPlan clipped(const DeltaPlan& plan, std::uint64_t offset);

}  // namespace callboard::sync
