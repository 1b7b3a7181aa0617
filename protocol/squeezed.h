#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"
#include "protocol/frame.h"

// A frame that stands for a run of whole giver's frames, as one zstd frame: docs/protocol.md, section 3.4.
namespace callboard::protocol {

inline constexpr std::uint8_t kSqueezedKind = 40;

// Makes such frames. Holds one of them, and zstd's tables: about 2 MiB in all, from the first call on. Thread: one at a time.
class Squeezer {
 public:
  Squeezer();
  ~Squeezer();
  Squeezer(const Squeezer&) = delete;
  Squeezer& operator=(const Squeezer&) = delete;

  // The frame for 1 … kSqueezedMax bytes of whole frames, its head included, valid until the next call; nullopt when its
  // zstd frame would be longer than `size_max`.
  std::optional<ByteView> squeeze(ByteView frames, std::size_t size_max);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Takes them apart again. Memory: zstd's fixed state of 160 KiB and no window, whatever a frame declares: everything is
// put together in the place it goes to. Thread: one at a time.
class Unsqueezer {
 public:
  Unsqueezer();
  ~Unsqueezer();
  Unsqueezer(const Unsqueezer&) = delete;
  Unsqueezer& operator=(const Unsqueezer&) = delete;

  // Writes the frames that a body stands for to the front of `into`, which has room for kSqueezedMax; returns how many bytes
  // they are. Fails on anything but exactly as many as the body says.
  Result<std::size_t> unsqueeze(ByteView body, std::span<std::byte> into);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Takes the first frame off what unsqueeze() yielded. Fails when it is not whole, and when it is another squeezed one.
Result<FrameView> take_frame(ByteView& frames);

}  // namespace callboard::protocol
