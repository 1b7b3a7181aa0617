#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// The frames by which a large file travels as less than all of it: as the chunks that its taker lacks (docs/protocol.md,
// section 3.3), or without its holes.
namespace callboard::protocol {

// The file as a list of its chunks, of which the taker has an older version; `groups`: what it has of that.
struct WantChunks {
  std::uint32_t listing = 0;
  std::uint32_t entry = 0;
  std::uint64_t offset = 0;
  std::vector<std::uint64_t> groups;
};
struct Range {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
  friend bool operator==(const Range&, const Range&) = default;
};
// What is wanted of a file whose chunks were asked for. Parsing checks that the ranges ascend, are not empty and do not
// overlap.
struct WantRanges {
  std::uint32_t listing = 0;
  std::uint32_t entry = 0;
  std::vector<Range> ranges;
};

// A list of chunks, or one part of it.
enum class ChunksState : std::uint8_t { more = 0, complete = 1, cut_short = 2 };
struct Chunks {
  std::uint32_t listing = 0;
  std::uint32_t entry = 0;
  ChunksState state = ChunksState::complete;
  bool kept = false;  // It was at hand: it comes as fast as the link is. Else it is made while it is sent.
  std::vector<std::uint64_t> chunks;
};

inline constexpr std::size_t kChunkSize = 8;
inline constexpr std::size_t kRangeSize = 16;

// Zeros in place of content, which need no room on disk.
struct Hole {
  std::uint64_t size_bytes = 0;  // At least 1.
};

}  // namespace callboard::protocol
