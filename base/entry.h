#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace callboard {

// An XXH3-128 in its canonical, big-endian form. All zero means "none": no content hashes to it in practice, and a
// hash that did would only be fetched again.
struct Digest {
  std::array<std::byte, 16> bytes{};
  friend auto operator<=>(const Digest&, const Digest&) = default;
  explicit operator bool() const { return *this != Digest{}; }
};

std::string to_text(const Digest& digest);  // 32 hex digits.

enum class EntryKind : std::uint8_t {
  file = 1,
  directory = 2,
  symlink = 3,
  refused =
      4,  // A socket, device, pipe or a link that leaves the folder; `target` says which. Never part of a digest.
};

// One name in a directory of a project (docs/protocol.md, 3.1).
struct Entry {
  EntryKind kind = EntryKind::file;
  std::uint16_t mode = 0;        // The nine permission bits; 0 for links.
  std::uint64_t size_bytes = 0;  // Of a file its content, of a link its target, of a directory 0.
  std::int64_t mtime_ns =
      0;               // Since 1970. 0 for directories and links: theirs change with every write beneath.
  Digest digest;       // Of a file its content, of a link its target, of a directory its serialised entries.
  std::string name;    // The file system's own bytes; one path component.
  std::string target;  // Of a link where it points, of a refused entry why.
  friend bool operator==(const Entry&, const Entry&) = default;
};

// The form that travels and that a directory's digest is taken over.
void serialise(const Entry& entry, Bytes& out);
// Reads one entry. On malformed input (unknown kind, bits beyond the nine, name over 255 bytes, short) the reader is
// failed() or `entry.name` is meaningless: returns false.
bool parse(ByteReader& reader, Entry& entry);

}  // namespace callboard
