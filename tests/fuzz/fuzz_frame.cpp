// A stream cut anywhere yields the same frames as the stream in one piece. The first byte seeds the cuts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/ensure.h"
#include "protocol/frame.h"

using namespace callboard;
using namespace callboard::protocol;

namespace {

// What the reader yields now; false after an error.
bool drain(FrameReader& reader, std::string& out) {
  for (;;) {
    const auto frame = reader.next();
    if (!frame) {
      out += "!";
      return false;
    }
    if (!*frame) return true;
    out += std::to_string((*frame)->kind) + ":" + std::to_string((*frame)->body.size()) + ":";
    out += as_text((*frame)->body);
  }
}

std::string read_in_pieces(ByteView bytes, std::size_t piece_size) {
  FrameReader reader;
  std::string out;
  bool sound = true;
  while (sound && !bytes.empty()) {
    const std::size_t size = std::min(piece_size, bytes.size());
    reader.push(bytes.first(size));
    bytes = bytes.subspan(size);
    sound = drain(reader, out);
  }
  // What was not yielded is still there, whole, as long as nothing was broken.
  if (sound) out += as_text(reader.take_rest());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteView bytes = std::as_bytes(std::span(data + 1, size - 1));
  const std::string whole = read_in_pieces(bytes, bytes.size());
  ENSURE(read_in_pieces(bytes, std::size_t{1} + data[0] % 64) == whole);
  ENSURE(read_in_pieces(bytes, 1) == whole);
  return 0;
}
