// What decodes, encodes to something that decodes and encodes to the same bytes; so it does with a space behind it, with which a
// message as we write it is read as any other. The first byte chooses the side (bit 0)
// and the frame's kind (the other bits).
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ensure.h"
#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/json_tree.h"

using namespace callboard;
using namespace callboard::protocol;

namespace {

template <class Decode>
void round_trip(std::uint8_t kind, ByteView body, const Decode& decode) {
  const auto message = decode(kind, body);
  constexpr std::size_t kFewBytes = 400;
  if (kind == kFrameObject && body.size() <= kFewBytes) {
    Bytes spaced(body.begin(), body.end());
    spaced.push_back(std::byte{' '});
    const auto other = decode(kind, spaced);
    ENSURE(message.has_value() == other.has_value());
    ENSURE(!message || bytes_of(encode(*message)) == bytes_of(encode(*other)));
  }
  if (!message) {
    ENSURE(!message.error().text.empty());
    return;
  }
  ENSURE(check(*message));
  const Bytes first = bytes_of(encode(*message));
  FrameReader reader(kFrameMax);
  reader.push(first);
  const auto frame = reader.next();
  ENSURE(frame && *frame);
  const auto again = decode((*frame)->kind, (*frame)->body);
  ENSURE(again);
  ENSURE(bytes_of(encode(*again)) == first);
}

// As a session reads: into a message that something else was read into before.
void check_reading_in_place(std::uint8_t kind, ByteView body) {
  static ClientMessage kept;
  const auto message = decode_client(kind, body);
  const auto same = decode_client(kind, body, kept);
  ENSURE(message.has_value() == same.has_value());
  if (!message) ENSURE(message.error().text == same.error().text);
  if (message) ENSURE(bytes_of(encode(*message)) == bytes_of(encode(kept)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteView body = std::as_bytes(std::span(data + 1, size - 1));
  const auto kind = static_cast<std::uint8_t>(data[0] >> 1);
  if ((data[0] & 1) == 0) {
    round_trip(kind, body, [](std::uint8_t as, ByteView read) { return decode_client(as, read); });
    check_reading_in_place(kind, body);
  } else {
    round_trip(kind, body, decode_server);
  }
  JsonTree tree;
  static_cast<void>(parse_json(as_text(body), size, tree));
  return 0;
}
