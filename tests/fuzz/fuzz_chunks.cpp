// Lists of chunks: u8 how many of the old version's, so many u64, and the rest are the new version's or what somebody says
// they are. What is shortened for the old version opens as what it was; a plan has all of the new version's bytes, each from
// where the old one has it; and what a peer makes up opens as a bounded list or not at all.
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/ensure.h"
#include "sync/chunk_list.h"

using namespace callboard;
using namespace callboard::sync;

namespace {

void open_own(DeltaPlanner& planner, const ChunkList& fresh) {
  ChunkShortener shortener(planner.group_names());
  std::vector<std::uint64_t> shortened;
  const auto half = fresh.begin() + static_cast<std::ptrdiff_t>(fresh.size() / 2);
  shortener.add(ChunkList(fresh.begin(), half), shortened);
  shortener.add(ChunkList(half, fresh.end()), shortened);
  shortener.finish(shortened);
  ENSURE(shortened.size() <= fresh.size());
  ChunkList opened;
  ENSURE(planner.open(shortened, opened));
  ENSURE(opened == fresh);
}

void check_plan(const DeltaPlanner& planner, const ChunkList& fresh) {
  const DeltaPlan plan = planner.plan(fresh);
  std::uint64_t wanted = 0;
  std::uint64_t planned = 0;
  for (const DeltaSegment& segment : plan.segments) {
    planned += segment.size_bytes;
    if (!segment.old_offset) wanted += segment.size_bytes;
    if (segment.old_offset) ENSURE(*segment.old_offset + segment.size_bytes <= total_bytes(planner.old()));
  }
  ENSURE(planned == total_bytes(fresh) && wanted == plan.wanted_bytes);
  const DeltaPlan rest = clipped(plan, planned / 3);
  std::uint64_t left = 0;
  for (const DeltaSegment& segment : rest.segments) left += segment.size_bytes;
  ENSURE(left == planned - planned / 3);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader reader(std::as_bytes(std::span(data, size)));
  ChunkList old(reader.u8());
  for (Chunk& chunk : old) chunk.packed = reader.u64();
  if (reader.failed()) return 0;
  std::vector<std::uint64_t> said;
  ChunkList fresh;
  while (reader.rest().size() >= 8) {
    said.push_back(reader.u64());
    if (!is_group({said.back()})) fresh.push_back({said.back()});
  }
  std::erase_if(old, &is_group);
  DeltaPlanner planner(old);
  open_own(planner, fresh);
  check_plan(planner, fresh);
  ChunkList opened;
  if (planner.open(said, opened)) {
    ENSURE(opened.size() <= kChunksMax);
    check_plan(planner, opened);
  }
  return 0;
}
