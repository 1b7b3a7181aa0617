#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/entry.h"

namespace callboard::sync {

// An entry where it lies in a packed directory.
struct PackedEntry {
  EntryKind kind = EntryKind::file;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::string_view name;
  std::string_view target;
  ByteView bytes;  // All of it.

  Digest digest() const {
    constexpr std::size_t kDigestAt = 19;
    Digest digest;
    std::copy_n(bytes.begin() + kDigestAt, digest.bytes.size(), digest.bytes.begin());
    return digest;
  }
};

// Goes through serialised entries, one after the other, without copying them. They are this program's own: broken ones are
// a bug.
class PackedEntries {
 public:
  explicit PackedEntries(ByteView packed) : left_(packed) {}

  // False at the end.
  bool next(PackedEntry& entry) {
    if (left_.empty()) return false;
    ENSURE(left_.size() >= kHead + 2);
    entry.kind = static_cast<EntryKind>(left_[0]);
    entry.size_bytes = number(kSizeAt, 8);
    entry.mtime_ns = static_cast<std::int64_t>(number(kMtimeAt, 8));
    const std::size_t name_end = kHead + number(kHead - 2, 2);
    ENSURE(left_.size() >= name_end + 2);
    const std::size_t end = name_end + 2 + number(name_end, 2);
    ENSURE(left_.size() >= end);
    entry.name = as_text(left_.subspan(kHead, name_end - kHead));
    entry.target = as_text(left_.subspan(name_end + 2, end - name_end - 2));
    entry.bytes = left_.first(end);
    left_ = left_.subspan(end);
    return true;
  }

 private:
  // As serialise() writes it: u8 kind | u16 mode | u64 size | i64 mtime | digest[16] | text16 name | text16 target. Decoded
  // here and not by a ByteReader: a change of one file goes through all entries of its directory, 50,000 of them at times.
  static constexpr std::size_t kSizeAt = 3;
  static constexpr std::size_t kMtimeAt = 11;
  static constexpr std::size_t kHead = 37;  // Up to the name's first byte.

  std::uint64_t number(std::size_t at, std::size_t width) const {
    std::uint64_t value = 0;
    for (const std::byte each : left_.subspan(at, width))
      value = value << 8 | std::to_integer<std::uint64_t>(each);
    return value;
  }

  ByteView left_;
};

// The whole of it.
inline Entry unpacked(const PackedEntry& packed) {
  ByteReader reader(packed.bytes);
  Entry entry;
  ENSURE(parse(reader, entry));
  return entry;
}

}  // namespace callboard::sync
