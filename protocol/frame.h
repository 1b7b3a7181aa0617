#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

namespace callboard::protocol {

// The kinds of a session's frames; those of a data connection are in bulk.h.
inline constexpr std::uint8_t kFrameObject = 1;    // One JSON object.
inline constexpr std::uint8_t kFrameAttached = 2;  // u32 header length, JSON object, attachment.

// What stands before every body: u32 length (of kind and body), u8 kind.
struct FrameHead {
  std::uint8_t kind = 0;
  std::uint32_t body_size_bytes = 0;
};
inline constexpr std::size_t kFrameHeadSize = 5;
inline constexpr std::size_t kFrameKindSize = 1;

// For those who write a body straight from where it lies, or read one straight to where it belongs.
std::array<std::byte, kFrameHeadSize> encode_frame_head(FrameHead head);
// Fails on length 0 and on a length above `frame_max` (which, like the length, counts kind and body).
Result<FrameHead> parse_frame_head(std::span<const std::byte, kFrameHeadSize> bytes, std::uint64_t frame_max);

// Appends a whole frame.
void append_frame(std::uint8_t kind, ByteView body, Bytes& out);

struct FrameView {
  std::uint8_t kind = 0;
  ByteView body;
};

// Cuts a byte stream into frames. push() copies what it is given, once; next() gives views of that copy. Call
// next() until it yields nothing before the next push(): then at most one partial frame is held, and an idle
// reader holds no memory. Any kind is passed on. After an error every later next() returns the same
// error.
class FrameReader {
 public:
  explicit FrameReader(std::uint64_t frame_max = kFrameMaxBeforeAdmission) : frame_max_(frame_max) {}

  // Applies to every frame that next() has not yet returned.
  void set_frame_max(std::uint64_t frame_max) { frame_max_ = frame_max; }

  void push(ByteView bytes);
  // The next whole frame, valid until the following push(), next() or take_rest(); nullopt when more bytes
  // are needed.
  Result<std::optional<FrameView>> next();
  // The bytes that the frame which next() returned last lies in: its view is good for as long as they are.
  // They are not copied; what came after the frame stays.
  Bytes take_frame();
  // What came after the last frame returned, and leaves the reader empty: after `ticket` or `ready` the
  // stream is the relay's, and so are these bytes.
  Bytes take_rest();
  // Of memory, set aside for the frame that is under way included.
  std::size_t held_bytes() const { return buffer_.capacity(); }

 private:
  void drop_consumed();

  std::uint64_t frame_max_;
  Bytes buffer_;
  std::size_t consumed_ = 0;  // Bytes at the front of buffer_ that belong to frames already returned.
  std::optional<Error> error_;
};

}  // namespace callboard::protocol
