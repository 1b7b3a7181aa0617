// What parses, encodes to something that parses and encodes to the same bytes. The first byte is the frame's kind.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ensure.h"
#include "base/limits.h"
#include "protocol/bulk.h"
#include "protocol/channel_frame.h"
#include "protocol/frame.h"

using namespace callboard;
using namespace callboard::protocol;

namespace {

template <class Parse>
void round_trip(std::uint8_t kind, ByteView body, const Parse& parse_frame) {
  const auto frame = parse_frame(kind, body);
  if (!frame) return;
  Bytes first;
  encode(*frame, first);
  FrameReader reader(kBulkFrameMax);
  reader.push(first);
  const auto view = reader.next();
  ENSURE(view && *view && (*view)->kind == kind);
  const auto again = parse_frame(kind, (*view)->body);
  ENSURE(again);
  Bytes second;
  encode(*again, second);
  ENSURE(second == first);
}

// Heads of a channel's frames one after the other, and the same bytes as its end.
void hear_channel(ByteView bytes) {
  ChannelOrder order;
  for (ByteView rest = bytes; rest.size() >= kFrameHeadSize; rest = rest.subspan(kFrameHeadSize)) {
    const auto head = order.on_head(rest.first<kFrameHeadSize>());
    if (!head) break;
    ENSURE(head->size_bytes <= kChannelPieceMax);
  }
  if (const auto how = parse_channel_end(bytes)) {
    const Bytes again = encode_channel_end(*how);
    ENSURE(parse_channel_end(ByteView(again).subspan(kFrameHeadSize)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > kBulkFrameMax) return 0;
  const ByteView body = std::as_bytes(std::span(data + 1, size - 1));
  round_trip(data[0], body, parse_taker_frame);
  round_trip(data[0], body, parse_giver_frame);
  hear_channel(body);
  return 0;
}
