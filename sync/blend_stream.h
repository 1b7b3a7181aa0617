#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>

#include "base/result.h"

namespace callboard::sync {

// Reads up to into.size() bytes of a file at `offset`; fewer at its end alone.
using ReadAt = std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::byte> into)>;
// `fd` stays the caller's, and open.
ReadAt reading(int fd);

// The bytes of a .blend file from the first to the last, as Blender meant them. Thread: one at a time. After
// an error it is of no more use.
class BlendStream {
 public:
  virtual ~BlendStream() = default;
  // Fills `into`; fewer at the end alone.
  virtual Result<std::size_t> read(std::span<std::byte> into) = 0;
  // Past the end is no error here: the next read finds nothing.
  virtual Result<void> skip(std::uint64_t size_bytes) = 0;
};

// Of a file as it is, where skipping costs nothing, or of one that is compressed with zstd, as Blender does
// since 3.0: several frames, one after the other, of which what is skipped is taken apart all the same, in
// bounded memory. What it unpacks it takes off `unpacked_bytes_left`, which must outlive it, and fails when
// that is used up. gzip, which Blender used before that, is refused. Fails with Outcome::cancelled soon after
// `stop` is requested.
Result<std::unique_ptr<BlendStream>> open_blend_stream(ReadAt file, std::uint64_t& unpacked_bytes_left,
                                                       std::stop_token stop);

}  // namespace callboard::sync
