// The bytes of a snapshot, all integers big-endian:
//   u8 format (1) | u64 sequence | u64 last message | 2 x head | u32 count | count x message | u32 count | count x applied
//   head    = u64 revision | u64 x 2 operation | u64 session | text16 user | i64 timestamp | u32-length value
//   message = text16 user | u64 session | i64 timestamp | u32-length text          numbered up to "last message"
//   applied = u64 x 2 operation | u64 sequence | u8 record | u8 won | u64 number | i64 timestamp   oldest first
#include <utility>

#include "server/board/board.h"

namespace callboard::server {
namespace {

constexpr std::uint8_t kFormat = 1;

void write_document(ByteWriter& writer, const Document& document) {
  const std::string_view text = document ? std::string_view(*document) : std::string_view();
  writer.u32(static_cast<std::uint32_t>(text.size()));
  writer.raw(as_bytes(text));
}

Document read_document(ByteReader& reader) {
  const std::uint32_t size_bytes = reader.u32();
  return std::make_shared<const std::string>(as_text(reader.raw(size_bytes)));
}

void write_id(ByteWriter& writer, UniqueId id) {
  writer.u64(id.high);
  writer.u64(id.low);
}

UniqueId read_id(ByteReader& reader) {
  const std::uint64_t high = reader.u64();
  return UniqueId{high, reader.u64()};
}

void write_head(ByteWriter& writer, const Head& head) {
  writer.u64(head.revision);
  write_id(writer, head.operation);
  writer.u64(head.session.value);
  writer.text16(head.user);
  writer.i64(head.timestamp.ms);
  write_document(writer, head.value);
}

Head read_head(ByteReader& reader) {
  Head head;
  head.revision = reader.u64();
  head.operation = read_id(reader);
  head.session = SessionId{reader.u64()};
  head.user = reader.text16();
  head.timestamp = Timestamp{reader.i64()};
  head.value = read_document(reader);
  if (head.revision == 0) head.value = nullptr;
  return head;
}

void write_message(ByteWriter& writer, const Message& message) {
  writer.text16(message.user);
  writer.u64(message.session.value);
  writer.i64(message.timestamp.ms);
  write_document(writer, message.text);
}

Message read_message(ByteReader& reader, std::uint64_t number) {
  Message message;
  message.number = number;
  message.user = reader.text16();
  message.session = SessionId{reader.u64()};
  message.timestamp = Timestamp{reader.i64()};
  message.text = read_document(reader);
  return message;
}

void write_applied(ByteWriter& writer, const Applied& applied) {
  write_id(writer, applied.operation);
  writer.u64(applied.sequence);
  writer.u8(static_cast<std::uint8_t>(applied.record));
  writer.u8(applied.won ? 1 : 0);
  writer.u64(applied.number);
  writer.i64(applied.timestamp.ms);
}

Applied read_applied(ByteReader& reader) {
  Applied applied;
  applied.operation = read_id(reader);
  applied.sequence = reader.u64();
  applied.record = static_cast<Record>(reader.u8());
  applied.won = reader.u8() != 0;
  applied.number = reader.u64();
  applied.timestamp = Timestamp{reader.i64()};
  return applied;
}

}  // namespace

Bytes Board::encoded() const {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(kFormat);
  writer.u64(sequence_);
  writer.u64(last_message_);
  for (const Head& head : heads_) write_head(writer, head);
  writer.u32(static_cast<std::uint32_t>(messages_.size()));
  for (const auto& message : messages_) write_message(writer, *message);
  writer.u32(static_cast<std::uint32_t>(remembered_.size()));
  for (const UniqueId id : remembered_) write_applied(writer, applied_.at(id));
  return bytes;
}

Result<Board> Board::decoded(ByteView bytes) {
  ByteReader reader(bytes);
  const std::uint8_t format = reader.u8();
  if (format != kFormat) {
    return Error{Outcome::failed, "snapshot: expected format 1, got " + std::to_string(format)};
  }
  Board board;
  board.sequence_ = reader.u64();
  board.last_message_ = reader.u64();
  for (Head& head : board.heads_) head = read_head(reader);
  const std::uint32_t messages = reader.u32();
  for (std::uint32_t i = 0; i < messages && !reader.failed(); ++i) {
    const std::uint64_t number = board.last_message_ - messages + i + 1;
    board.messages_.push_back(std::make_shared<const Message>(read_message(reader, number)));
  }
  const std::uint32_t remembered = reader.u32();
  for (std::uint32_t i = 0; i < remembered && !reader.failed(); ++i) board.remember(read_applied(reader));
  if (!reader.finished()) return Error{Outcome::failed, "snapshot: damaged: it ends in the wrong place"};
  return board;
}

}  // namespace callboard::server
