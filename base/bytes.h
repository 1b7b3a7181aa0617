#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace callboard {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

// Views of the same memory as the other type; valid as long as what was passed in.
ByteView as_bytes(std::string_view text);
std::string_view as_text(ByteView bytes);

// Appends integers big-endian to a buffer it does not own. Lengths that a prefix cannot hold are bugs (ENSURE).
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  // So much more comes: what is there need not be moved for it again and again.
  void reserve(std::size_t size_bytes) { out_.reserve(out_.size() + size_bytes); }
  void u8(std::uint8_t value) { out_.push_back(static_cast<std::byte>(value)); }
  void u16(std::uint16_t value) { big_endian(value, 2); }
  void u32(std::uint32_t value) { big_endian(value, 4); }
  void u64(std::uint64_t value) { big_endian(value, 8); }
  void i64(std::int64_t value) { u64(static_cast<std::uint64_t>(value)); }
  void raw(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  // u16 length, then the bytes.
  void text16(std::string_view text);

 private:
  void big_endian(std::uint64_t value, std::size_t width) {
    const std::size_t at = out_.size();
    out_.resize(at + width);
    for (std::size_t i = width; i-- > 0; value >>= 8) out_[at + i] = static_cast<std::byte>(value & 0xff);
  }

  Bytes& out_;
};

// Reads what ByteWriter wrote. Never reads past the end: the first short read sets failed() and every read from then on
// yields zero or empty, so a parser may read a whole structure and check once. Views point into the bytes passed in.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian(4)); }
  std::uint64_t u64() { return big_endian(8); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  ByteView raw(std::size_t size_bytes);
  std::string_view text16() { return as_text(raw(u16())); }
  ByteView rest() const { return rest_; }

  bool failed() const { return failed_; }
  // True when everything was read and nothing is left over.
  bool finished() const { return !failed_ && rest_.empty(); }

 private:
  std::uint64_t big_endian(std::size_t width);

  ByteView rest_;
  bool failed_ = false;
};

}  // namespace callboard
