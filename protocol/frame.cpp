#include "protocol/frame.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/text.h"
#include "base/within_memory.h"

namespace callboard::protocol {
namespace {

constexpr std::size_t kLengthSize = kFrameHeadSize - kFrameKindSize;
// More than one push() brings: a buffer of a connection, or of a workstation's own program.
constexpr std::size_t kReadAtOnce = 64 * KiB;

// Big-endian, of four bytes.
std::uint32_t length_in(ByteView bytes) {
  const auto byte = [&](std::size_t place) { return std::to_integer<std::uint32_t>(bytes[place]); };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

bool is_length(std::uint32_t length, std::uint64_t frame_max) { return length > 0 && length <= frame_max; }

Error not_a_length(std::uint32_t length, std::uint64_t frame_max) {
  return {Outcome::refused,
          "frame: expected a length of 1-" + std::to_string(frame_max) + ", got " + std::to_string(length)};
}

}  // namespace

std::array<std::byte, kFrameHeadSize> encode_frame_head(FrameHead head) {
  ENSURE(head.body_size_bytes <= std::numeric_limits<std::uint32_t>::max() - kFrameKindSize);
  const std::uint32_t length = head.body_size_bytes + static_cast<std::uint32_t>(kFrameKindSize);
  std::array<std::byte, kFrameHeadSize> bytes{};
  for (std::size_t i = 0; i < kLengthSize; ++i)
    bytes[i] = static_cast<std::byte>((length >> (24 - 8 * i)) & 0xff);
  bytes[kLengthSize] = static_cast<std::byte>(head.kind);
  return bytes;
}

Result<FrameHead> parse_frame_head(std::span<const std::byte, kFrameHeadSize> bytes,
                                   std::uint64_t frame_max) {
  const std::uint32_t length = length_in(bytes);
  if (!is_length(length, frame_max)) return not_a_length(length, frame_max);
  return FrameHead{std::to_integer<std::uint8_t>(bytes[kLengthSize]),
                   length - static_cast<std::uint32_t>(kFrameKindSize)};
}

void append_frame(std::uint8_t kind, ByteView body, Bytes& out) {
  ENSURE(body.size() < std::numeric_limits<std::uint32_t>::max());
  const auto head = encode_frame_head({kind, static_cast<std::uint32_t>(body.size())});
  out.insert(out.end(), head.begin(), head.end());
  out.insert(out.end(), body.begin(), body.end());
}

void FrameReader::push(ByteView bytes) {
  drop_consumed();
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<FrameView>> FrameReader::next() {
  if (error_) return *error_;
  if (consumed_ == buffer_.size()) drop_consumed();
  const ByteView rest = ByteView(buffer_).subspan(consumed_);
  if (rest.size() < kLengthSize) return std::optional<FrameView>();
  // A length that can never be right is refused before the kind arrives.
  const std::uint32_t length = length_in(rest);
  if (!is_length(length, frame_max_)) {
    error_ = not_a_length(length, frame_max_);
    return *error_;
  }
  const std::size_t frame_size = kLengthSize + length;
  if (rest.size() < frame_size) {
    drop_consumed();
    // Room for all of it at once, and for what comes with its last bytes: growing would copy what is here.
    // Memory that nothing was written to costs address space only: who announces a frame alone takes none.
    const auto reserved = within_memory([&]() -> Result<void> {
      buffer_.reserve(frame_size + std::min(frame_size, kReadAtOnce));
      return {};
    });
    if (reserved) return std::optional<FrameView>();
    error_ = reserved.error().prefixed("frame of " + human_bytes(frame_size));
    buffer_ = Bytes();
    return *error_;
  }
  consumed_ += frame_size;
  return std::optional(FrameView{std::to_integer<std::uint8_t>(rest[kLengthSize]),
                                 rest.subspan(kFrameHeadSize, frame_size - kFrameHeadSize)});
}

Bytes FrameReader::take_frame() {
  Bytes rest(buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_), buffer_.end());
  consumed_ = 0;
  return std::exchange(buffer_, std::move(rest));
}

Bytes FrameReader::take_rest() {
  drop_consumed();
  return std::exchange(buffer_, {});
}

void FrameReader::drop_consumed() {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
  consumed_ = 0;
  // An idle reader keeps nothing: ten thousand of them would hold as many buffers.
  if (buffer_.empty()) buffer_ = Bytes();
}

}  // namespace callboard::protocol
