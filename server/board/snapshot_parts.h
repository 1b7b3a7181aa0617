#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/id.h"
#include "server/board/merged_document.h"
#include "server/board/operation.h"

// The parts that snapshots are made of; integers big-endian.
namespace callboard::server {

inline void write_text32(ByteWriter& writer, std::string_view text) {
  writer.u32(static_cast<std::uint32_t>(text.size()));
  writer.raw(as_bytes(text));
}
inline std::string_view read_text32(ByteReader& reader) {
  const std::uint32_t size_bytes = reader.u32();
  return as_text(reader.raw(size_bytes));
}
inline Document read_document(ByteReader& reader) {
  return std::make_shared<const std::string>(read_text32(reader));
}

inline void write_id(ByteWriter& writer, UniqueId id) {
  writer.u64(id.high);
  writer.u64(id.low);
}
inline UniqueId read_id(ByteReader& reader) {
  const std::uint64_t high = reader.u64();
  return UniqueId{high, reader.u64()};
}

inline void write_stamp(ByteWriter& writer, const Stamp& stamp) {
  writer.i64(stamp.time.ms);
  writer.u32(stamp.counter);
  writer.u64(stamp.session.value);
  write_id(writer, stamp.operation);
}
inline Stamp read_stamp(ByteReader& reader) {
  Stamp stamp;
  stamp.time = Timestamp{reader.i64()};
  stamp.counter = reader.u32();
  stamp.session = SessionId{reader.u64()};
  stamp.operation = read_id(reader);
  return stamp;
}

inline void write_head(ByteWriter& writer, const Head& head) {
  writer.u64(head.revision);
  write_id(writer, head.operation);
  writer.u64(head.session.value);
  writer.text16(head.user);
  writer.i64(head.timestamp.ms);
}
inline Head read_head(ByteReader& reader) {
  Head head;
  head.revision = reader.u64();
  head.operation = read_id(reader);
  head.session = SessionId{reader.u64()};
  head.user = reader.text16();
  head.timestamp = Timestamp{reader.i64()};
  return head;
}

}  // namespace callboard::server
