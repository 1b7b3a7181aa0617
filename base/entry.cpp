#include "base/entry.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"

namespace callboard {

std::string to_text(const Digest& digest) { return to_hex(as_text(digest.bytes)); }

void serialise(const Entry& entry, Bytes& out) {
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(entry.kind));
  writer.u16(entry.mode);
  writer.u64(entry.size_bytes);
  writer.i64(entry.mtime_ns);
  writer.raw(entry.digest.bytes);
  writer.text16(entry.name);
  writer.text16(entry.target);
}

bool parse(ByteReader& reader, Entry& entry) {
  const std::uint8_t kind = reader.u8();
  entry.mode = reader.u16();
  entry.size_bytes = reader.u64();
  entry.mtime_ns = reader.i64();
  const ByteView digest = reader.raw(entry.digest.bytes.size());
  entry.name = reader.text16();
  entry.target = reader.text16();
  if (reader.failed() || kind < 1 || kind > 4 || entry.mode > 0777) return false;
  if (entry.name.size() > kPathComponentMaxBytes || entry.target.size() > kPathMaxBytes) return false;
  entry.kind = static_cast<EntryKind>(kind);
  std::copy(digest.begin(), digest.end(), entry.digest.bytes.begin());
  return true;
}

}  // namespace callboard
