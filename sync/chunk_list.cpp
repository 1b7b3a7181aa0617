#include "sync/chunk_list.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "sync/hash.h"
#include "sync/index.h"

namespace callboard::sync {
namespace {

constexpr std::uint64_t kGroupMask = 63;
constexpr std::size_t kGroupMax = 256;
constexpr std::size_t kChunkBytes = 8;
constexpr std::size_t kDigestBytes = 16;

Bytes serialised(const Chunk* chunks, std::size_t count) {
  Bytes bytes;
  bytes.reserve(count * kChunkBytes);
  ByteWriter writer(bytes);
  for (std::size_t i = 0; i < count; ++i) writer.u64(chunks[i].packed);
  return bytes;
}

Chunk name_of_group(const Chunk* chunks, std::size_t count) {
  const Bytes bytes = serialised(chunks, count);
  return {XXH3_64bits(bytes.data(), bytes.size()) >> 16};
}

void append(DeltaPlan& plan, const DeltaSegment& segment) {
  if (!segment.old_offset) plan.wanted_bytes += segment.size_bytes;
  if (!plan.segments.empty()) {
    DeltaSegment& last = plan.segments.back();
    const bool goes_on = segment.old_offset
                             ? last.old_offset && *last.old_offset + last.size_bytes == *segment.old_offset
                             : !last.old_offset;
    if (goes_on) {
      last.size_bytes += segment.size_bytes;
      return;
    }
  }
  plan.segments.push_back(segment);
}

}  // namespace

std::uint64_t total_bytes(const ChunkList& chunks) {
  std::uint64_t total = 0;
  for (const Chunk& chunk : chunks) total += chunk.size_bytes();
  return total;
}

std::vector<ChunkGroup> groups_of(const ChunkList& chunks) {
  std::vector<ChunkGroup> groups;
  for (std::size_t first = 0; first < chunks.size();) {
    const std::size_t end = std::min(first + kGroupMax, chunks.size());
    std::size_t last = first;
    while (last + 1 < end && (chunks[last].packed & kGroupMask) != 0) ++last;
    const std::size_t count = last + 1 - first;
    groups.push_back({first, count, name_of_group(&chunks[first], count)});
    first += count;
  }
  return groups;
}

void ChunkShortener::put(const ChunkGroup& group, std::vector<std::uint64_t>& out) const {
  if (known_.contains(group.name.packed)) {
    out.push_back(group.name.packed);
    return;
  }
  for (std::size_t i = group.first; i < group.first + group.count; ++i) out.push_back(pending_[i].packed);
}

void ChunkShortener::add(const ChunkList& chunks, std::vector<std::uint64_t>& out) {
  if (known_.empty()) {
    for (const Chunk& chunk : chunks) out.push_back(chunk.packed);
    return;
  }
  pending_.insert(pending_.end(), chunks.begin(), chunks.end());
  std::vector<ChunkGroup> groups = groups_of(pending_);
  if (groups.empty()) return;
  const ChunkGroup last = groups.back();
  groups.pop_back();
  for (const ChunkGroup& group : groups) put(group, out);
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(last.first));
}

void ChunkShortener::finish(std::vector<std::uint64_t>& out) {
  for (const ChunkGroup& group : groups_of(pending_)) put(group, out);
  pending_.clear();
}

// --- Kept lists -------------------------------------------------------------------------------------------------------

std::optional<ChunkList> kept_chunks(const Index& index, const Digest& content, std::uint64_t size_bytes) {
  const std::optional<Bytes> kept = index.chunks_of(content);
  if (!kept || kept->size() < kDigestBytes) return std::nullopt;
  const ByteView packed = ByteView(*kept).subspan(kDigestBytes);
  const Digest checksum = digest_of(packed);
  if (!std::equal(checksum.bytes.begin(), checksum.bytes.end(), kept->begin())) return std::nullopt;
  ChunkList chunks(packed.size() / kChunkBytes);
  ByteReader reader(packed);
  for (Chunk& chunk : chunks) chunk.packed = reader.u64();
  if (!reader.finished() || total_bytes(chunks) != size_bytes) return std::nullopt;
  return chunks;
}

// A cache: what cannot be written is made again.
void keep_chunks(Index& index, const Digest& content, const ChunkList& chunks) {
  const Bytes packed = serialised(chunks.data(), chunks.size());
  const Digest checksum = digest_of(packed);
  Bytes kept;
  kept.reserve(kDigestBytes + packed.size());
  kept.assign(checksum.bytes.begin(), checksum.bytes.end());
  kept.insert(kept.end(), packed.begin(), packed.end());
  static_cast<void>(index.keep_chunks(content, kept));
}

// --- Plans ------------------------------------------------------------------------------------------------------------

DeltaPlanner::DeltaPlanner(ChunkList old) { add_old(old); }

void DeltaPlanner::add_old(const ChunkList& more) {
  std::uint64_t offset = old_.empty() ? 0 : offsets_.back() + old_.back().size_bytes();
  places_.reserve(old_.size() + more.size());
  for (const Chunk& chunk : more) {
    places_.emplace(chunk.packed, old_.size());
    old_.push_back(chunk);
    offsets_.push_back(offset);
    offset += chunk.size_bytes();
  }
}

std::vector<std::uint64_t> DeltaPlanner::group_names() {
  std::vector<std::uint64_t> names;
  for (const ChunkGroup& group : groups_of(old_)) {
    groups_.emplace(group.name.packed, group);
    names.push_back(group.name.packed);
  }
  return names;
}

bool DeltaPlanner::open(const std::vector<std::uint64_t>& part, ChunkList& chunks) const {
  for (const std::uint64_t each : part) {
    const Chunk chunk{each};
    const auto group = is_group(chunk) ? groups_.find(each) : groups_.end();
    if (is_group(chunk) && group == groups_.end()) return false;
    const std::size_t count = is_group(chunk) ? group->second.count : 1;
    if (count > kChunksMax - chunks.size()) return false;
    if (is_group(chunk)) {
      const auto first = old_.begin() + static_cast<std::ptrdiff_t>(group->second.first);
      chunks.insert(chunks.end(), first, first + static_cast<std::ptrdiff_t>(count));
    } else {
      chunks.push_back(chunk);
    }
  }
  return true;
}

DeltaPlan DeltaPlanner::plan(const ChunkList& chunks) const {
  DeltaPlan plan;
  std::size_t next = 0;  // What follows the last one found: unchanged stretches need no look-up.
  for (const Chunk& chunk : chunks) {
    std::optional<std::size_t> at;
    if (next < old_.size() && old_[next] == chunk) {
      at = next;
    } else if (const auto found = places_.find(chunk.packed); found != places_.end()) {
      at = found->second;
    }
    append(plan, {chunk.size_bytes(), at ? std::optional(offsets_[*at]) : std::nullopt});
    // A changed chunk often has the same neighbours as before.
    next = at ? *at + 1 : next + 1;
  }
  return plan;
}

DeltaPlan clipped(const DeltaPlan& plan, std::uint64_t offset) {
  DeltaPlan rest;
  for (DeltaSegment segment : plan.segments) {
    const std::uint64_t before = std::min(offset, segment.size_bytes);
    offset -= before;
    segment.size_bytes -= before;
    if (segment.old_offset) *segment.old_offset += before;
    if (segment.size_bytes > 0) append(rest, segment);
  }
  return rest;
}

}  // namespace callboard::sync
