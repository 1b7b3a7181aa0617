#include "protocol/channel_frame.h"

#include <string>

#include "base/text.h"

namespace callboard::protocol {
namespace {

Error against_the_rules(std::string_view expected, std::uint64_t got) {
  return {Outcome::refused, "channel: expected " + std::string(expected) + ", got " + std::to_string(got)};
}

bool is_known(std::uint8_t kind) {
  return kind >= static_cast<std::uint8_t>(ChannelKind::message) &&
         kind <= static_cast<std::uint8_t>(ChannelKind::end);
}

}  // namespace

std::array<std::byte, kFrameHeadSize> encode_channel_head(ChannelHead head) {
  ENSURE(head.size_bytes <= kChannelPieceMax);
  return encode_frame_head({static_cast<std::uint8_t>(head.kind), head.size_bytes});
}

Bytes encode_channel_end(const ChannelEnd& end) {
  Bytes body;
  ByteWriter out(body);
  out.u8(static_cast<std::uint8_t>(end.outcome));
  out.text16(std::string_view(end.text).substr(0, kChannelTextMax));
  Bytes frame;
  append_frame(static_cast<std::uint8_t>(ChannelKind::end), body, frame);
  return frame;
}

Result<ChannelEnd> parse_channel_end(ByteView body) {
  ByteReader reader(body);
  const std::uint8_t outcome = reader.u8();
  const std::string_view text = reader.text16();
  if (!reader.finished() || outcome > static_cast<std::uint8_t>(Outcome::cancelled)) {
    return Error{Outcome::refused, "channel: end: expected an outcome and a text"};
  }
  return ChannelEnd{static_cast<Outcome>(outcome), escaped(text, kChannelTextMax)};
}

Result<ChannelHead> ChannelOrder::on_head(std::span<const std::byte, kFrameHeadSize> bytes) {
  const auto head = parse_frame_head(bytes, kChannelPieceMax + kFrameKindSize);
  if (!head) return head.error().prefixed("channel");
  if (is_ended_) return against_the_rules("nothing after the end", head->kind);
  if (!is_known(head->kind)) return against_the_rules("a frame of kind 48-51", head->kind);
  const auto kind = static_cast<ChannelKind>(head->kind);
  const std::uint32_t size_bytes = head->body_size_bytes;
  if (is_within_message_ && kind == ChannelKind::raw)
    return against_the_rules("the rest of a message", head->kind);
  // Frames that say nothing would cost time and move nothing.
  const bool may_be_empty = kind == ChannelKind::message;
  if (!may_be_empty && size_bytes == 0) return against_the_rules("1 byte or more", 0);
  if (kind == ChannelKind::end && size_bytes > kChannelEndMax)
    return against_the_rules("an end of " + std::to_string(kChannelEndMax) + " bytes or less", size_bytes);
  is_ended_ = kind == ChannelKind::end;
  // One that ends in the middle of a message has broken off.
  if (!is_ended_) is_within_message_ = kind == ChannelKind::part;
  return ChannelHead{kind, size_bytes};
}

}  // namespace callboard::protocol
