#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"

namespace callboard::sync {

// Sizes of chunks (docs/protocol.md, 3.3). Measured on 512 MiB with twenty edits of 64 KiB and an insertion: 12 KiB on
// average; twice that makes 20 % more content travel, half of it makes lists as long as what they save.
inline constexpr std::size_t kChunkMin = 4 * KiB;
inline constexpr std::size_t kChunkUsual = 8 * KiB;  // Where the condition for a cut becomes weaker.
inline constexpr std::size_t kChunkMax = 65'535;     // A length takes 16 bits.

// A content-defined piece of a file as lists have it: its length in the upper 16 bits, the upper 48 bits of its content's
// XXH3-64 below. Equal chunks are taken as equal content until the whole file's digest says otherwise: that a chunk of
// 16 GiB of content matches one of as much other content by accident is less likely than 1 in 10,000, and costs another try.
struct Chunk {
  std::uint64_t packed = 0;
  std::uint32_t size_bytes() const { return static_cast<std::uint32_t>(packed >> 48); }
  friend auto operator<=>(const Chunk&, const Chunk&) = default;
};
using ChunkList = std::vector<Chunk>;
// The content of `bytes`, at most kChunkMax.
Chunk chunk_of(ByteView bytes);

// Cuts content, which may come in any pieces, at places that depend on the 64 bytes before them alone (FastCDC with a
// normalised gear hash), so that an insertion changes the chunks around it and no others.
class Chunker {
 public:
  // Appends the chunks that are complete.
  void update(ByteView bytes, ChunkList& out);
  // The last one, if anything is left. Afterwards a new content may come.
  void finish(ChunkList& out);

 private:
  Bytes rest_;  // Of a chunk that is not complete; less than kChunkMax.
};

// True for names whose content is compressed: nothing in it stays as it was when a part changes.
bool has_compressed_name(std::string_view name);
// The same, by a file's first bytes (16 are enough).
bool has_compressed_magic(ByteView begin);

}  // namespace callboard::sync
