#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"
#include "protocol/frame.h"

// The frames of a channel: docs/protocol.md, section 3.5.
//
//   either side           any number of      raw | { part … message }
//                         then once          end
namespace callboard::protocol {

enum class ChannelKind : std::uint8_t {
  message = 48,  // A message, or the last piece of one.
  raw = 49,      // Bytes of no message.
  part = 50,     // A piece of a message that goes on in the next frame.
  end = 51,      // Nothing more comes from this side: outcome, text.
};

// What one frame carries at most: as much as of a file. Longer messages and bytes go on in the next.
inline constexpr std::uint64_t kChannelPieceMax = kBulkDataMax;
inline constexpr std::size_t kChannelTextMax = 1024;
// Of an `end`, which is read as a whole.
inline constexpr std::size_t kChannelEndMax = 3 + kChannelTextMax;

struct ChannelHead {
  ChannelKind kind = ChannelKind::raw;
  std::uint32_t size_bytes = 0;
};

// What each side says last; Outcome::done in order.
struct ChannelEnd {
  Outcome outcome = Outcome::done;
  std::string text{};
};

std::array<std::byte, kFrameHeadSize> encode_channel_head(ChannelHead head);
// A whole frame; a text above kChannelTextMax is cut.
Bytes encode_channel_end(const ChannelEnd& end);
Result<ChannelEnd> parse_channel_end(ByteView body);

// What the other side may say when; the bodies are its owner's. After an error the channel is over.
class ChannelOrder {
 public:
  Result<ChannelHead> on_head(std::span<const std::byte, kFrameHeadSize> bytes);
  // A message has begun that did not end.
  bool is_within_message() const { return is_within_message_; }

 private:
  bool is_within_message_ = false;
  bool is_ended_ = false;
};

}  // namespace callboard::protocol
