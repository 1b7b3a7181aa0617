#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "sync/chunk_list.h"
#include "sync/chunker.h"
#include "sync/index.h"
#include "tests/unit/sync/project_fixture.h"

namespace callboard::sync::chunker_test {
namespace {

std::string random_content(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string content(size, '\0');
  for (char& c : content) c = static_cast<char>(random());
  return content;
}

ChunkList chunks_of(std::string_view content, std::size_t piece = 1 << 20) {
  ChunkList chunks;
  Chunker chunker;
  for (std::size_t at = 0; at < content.size(); at += piece)
    chunker.update(as_bytes(content.substr(at, piece)), chunks);
  chunker.finish(chunks);
  return chunks;
}

DeltaPlan plan_between(std::string_view old, std::string_view now) {
  return DeltaPlanner(chunks_of(old)).plan(chunks_of(now));
}

// What a taker with `old` would write, given what it wants of `now`.
std::string assembled(const DeltaPlan& plan, std::string_view old, std::string_view now) {
  std::string made;
  for (const DeltaSegment& segment : plan.segments) {
    made += segment.old_offset ? old.substr(*segment.old_offset, segment.size_bytes)
                               : now.substr(made.size(), segment.size_bytes);
  }
  return made;
}

TEST_CASE("chunks cover the content and keep to their sizes, of whatever it is made") {
  const std::string content = GENERATE(random_content(1 << 20, 1), std::string(1 << 20, '\0'),
                                       std::string(kChunkMin, 'x'), std::string(1, 'x'), std::string(),
                                       std::string(kChunkMax, 'y'), std::string(kChunkMax + 1, 'y'));
  const ChunkList chunks = chunks_of(content);
  CHECK(total_bytes(chunks) == content.size());
  for (std::size_t i = 0; i + 1 < chunks.size(); ++i) {
    CHECK(chunks[i].size_bytes() > kChunkMin);
    CHECK(chunks[i].size_bytes() <= kChunkMax);
  }
}

TEST_CASE("content that comes in any pieces has the same chunks") {
  const std::size_t piece = GENERATE(std::size_t{1}, std::size_t{509}, std::size_t{4096}, std::size_t{65'535},
                                     std::size_t{65'536}, std::size_t{262'144});
  const std::string content = random_content(piece == 1 ? 20'000 : 600'000, 2);
  INFO(piece);
  CHECK(chunks_of(content, piece) == chunks_of(content, content.size()));
}

TEST_CASE("where chunks are cut is part of the protocol") {
  // Nothing to cut at: a period of 251 bytes never comes to a hash small enough.
  std::string content(100'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * i % 251);
  CHECK(chunks_of(content).front().size_bytes() == kChunkMax);
  const ChunkList random = chunks_of(random_content(100'000, 3));
  REQUIRE(!random.empty());
  CHECK(random[0].size_bytes() == 0x2132);
  CHECK(random[0].packed == 0x2132'a35e'ebf8'8268);
}

TEST_CASE("an edit and an insertion change the chunks around them and no others") {
  const std::string old = random_content(4 << 20, 4);
  std::string now = old;
  now.replace(1 << 20, 1000, random_content(1000, 5));
  now.insert(3 << 20, random_content(123'457, 6));
  const DeltaPlan plan = plan_between(old, now);
  CHECK(assembled(plan, old, now) == now);
  CHECK(plan.wanted_bytes > 124'457);
  CHECK(plan.wanted_bytes < 124'457 + 6 * kChunkMax);
  CHECK(plan.segments.size() <= 5);
}

TEST_CASE("a plan wants everything of what has nothing in common, and nothing of the same") {
  const std::string old = random_content(1 << 20, 7);
  const std::string other = random_content(1 << 20, 8);
  CHECK(plan_between(old, other).wanted_bytes == other.size());
  CHECK(plan_between({}, other).wanted_bytes == other.size());
  const DeltaPlan same = plan_between(old, old);
  CHECK(same.wanted_bytes == 0);
  REQUIRE(same.segments.size() == 1);
  CHECK(same.segments[0].old_offset == 0u);
}

TEST_CASE("a plan that is clipped goes on from anywhere") {
  const std::string old = random_content(1 << 20, 9);
  std::string now = old;
  now.replace(300'000, 5000, random_content(5000, 10));
  const DeltaPlan plan = plan_between(old, now);
  for (const std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{299'000}, std::uint64_t{302'000},
        std::uint64_t{900'000}, std::uint64_t{1 << 20}}) {
    INFO(offset);
    std::string made = now.substr(0, offset);
    for (const DeltaSegment& segment : clipped(plan, offset).segments) {
      made += segment.old_offset ? old.substr(*segment.old_offset, segment.size_bytes)
                                 : now.substr(made.size(), segment.size_bytes);
    }
    CHECK(made == now);
  }
  CHECK(clipped(plan, 1 << 20).segments.empty());
}

TEST_CASE("a list for one who has most groups is short, and is opened to what it was") {
  const std::string old = random_content(16 << 20, 11);
  std::string now = old;
  now.replace(5 << 20, 1000, random_content(1000, 12));
  const ChunkList chunks = chunks_of(now);
  DeltaPlanner planner(chunks_of(old));
  std::vector<std::uint64_t> shorter;
  ChunkShortener shortener(planner.group_names());
  for (std::size_t at = 0; at < chunks.size(); at += 100) {
    shortener.add({chunks.begin() + static_cast<std::ptrdiff_t>(at),
                   chunks.begin() + static_cast<std::ptrdiff_t>(std::min(at + 100, chunks.size()))},
                  shorter);
  }
  shortener.finish(shorter);
  CHECK(shorter.size() < chunks.size() / 2);
  ChunkList opened;
  REQUIRE(planner.open(shorter, opened));
  CHECK(opened == chunks);
  // One who never named a group cannot be told of it.
  CHECK_FALSE(DeltaPlanner(chunks_of(old)).open(shorter, opened));
}

TEST_CASE("one who names no groups is told every chunk") {
  const ChunkList chunks = chunks_of(random_content(1 << 20, 14));
  std::vector<std::uint64_t> all;
  ChunkShortener shortener({});
  shortener.add(chunks, all);
  shortener.finish(all);
  ChunkList opened;
  REQUIRE(DeltaPlanner({}).open(all, opened));
  CHECK(opened == chunks);
}

TEST_CASE("compressed content is known by name and by its first bytes") {
  CHECK(has_compressed_name("render/a.EXR"));
  CHECK(has_compressed_name("a.tar.gz"));
  CHECK_FALSE(has_compressed_name("scene.blend"));
  CHECK_FALSE(has_compressed_name("png"));
  CHECK(has_compressed_magic(as_bytes("\x28\xb5\x2f\xfd rest")));
  CHECK(
      has_compressed_magic(as_bytes(std::string_view("\0\0\0\x18"
                                                     "ftypmp42",
                                                     12))));
  CHECK_FALSE(has_compressed_magic(as_bytes("BLENDER-v401")));
  CHECK_FALSE(has_compressed_magic({}));
}

TEST_CASE("the index keeps lists of chunks by content, and a damaged one counts as none") {
  Index index = *Index::in_memory();
  const ChunkList chunks = chunks_of(random_content(1 << 20, 13));
  Digest content;
  content.bytes[0] = std::byte{1};
  CHECK_FALSE(kept_chunks(index, content, 1 << 20).has_value());
  keep_chunks(index, content, chunks);
  CHECK(kept_chunks(index, content, 1 << 20) == chunks);
  CHECK_FALSE(kept_chunks(index, content, (1 << 20) + 1).has_value());
  Bytes kept = *index.chunks_of(content);
  kept.back() ^= std::byte{1};
  REQUIRE(index.keep_chunks(content, kept).has_value());
  CHECK_FALSE(kept_chunks(index, content, 1 << 20).has_value());
  REQUIRE(index.forget_chunks(content).has_value());
  CHECK_FALSE(index.chunks_of(content).has_value());
}

}  // namespace
}  // namespace callboard::sync::chunker_test
