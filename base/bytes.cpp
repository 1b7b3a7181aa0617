#include "base/bytes.h"

#include <limits>

namespace callboard {

ByteView as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void ByteWriter::text16(std::string_view text) {
  ENSURE(text.size() <= std::numeric_limits<std::uint16_t>::max());
  u16(static_cast<std::uint16_t>(text.size()));
  raw(as_bytes(text));
}

ByteView ByteReader::raw(std::size_t size_bytes) {
  if (failed_ || size_bytes > rest_.size()) {
    failed_ = true;
    rest_ = {};
    return {};
  }
  const ByteView head = rest_.first(size_bytes);
  rest_ = rest_.subspan(size_bytes);
  return head;
}

std::uint64_t ByteReader::big_endian(std::size_t width) {
  std::uint64_t value = 0;
  for (const std::byte b : raw(width)) value = (value << 8) | std::to_integer<std::uint64_t>(b);
  return value;
}

}  // namespace callboard
