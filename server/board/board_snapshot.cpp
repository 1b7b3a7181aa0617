// The bytes of a snapshot, all integers big-endian; documents and conflicts: see document_snapshot.cpp.
//   u8 format (6) | u64 sequence | u64 last message | 2 x document | conflicts | records | u32 count | count x message
//   | u32 count | count x applied | 2 x forgotten          records: see RecordTable::append_to()
//   message = text16 user | u64 session | i64 timestamp | u32-length text          numbered up to "last message"
//   applied = u64 x 2 operation | u64 sequence | u8 record | u8 won | u64 number | i64 timestamp | u8 outcome
// oldest first
#include <utility>

#include "server/board/board.h"
#include "server/board/snapshot_parts.h"

namespace callboard::server {
namespace {

// 5 is the same, but that its conflicts are of one place. Neither did the first 6 say what an element stood behind.
constexpr std::uint8_t kFormat = 6;
// Did not say what its documents have forgotten, nor its answers who had asked, and with what.
constexpr std::uint8_t kFourthFormat = 4;
// Had no answers with its records.
constexpr std::uint8_t kThirdFormat = 3;
// Had no records, and no outcomes.
constexpr std::uint8_t kSecondFormat = 2;
// Had, in place of documents and conflicts, two heads, each with the u32-length text of its document.
constexpr std::uint8_t kFirstFormat = 1;

void write_message(ByteWriter& writer, const Message& message) {
  writer.text16(message.user);
  writer.u64(message.session.value);
  writer.i64(message.timestamp.ms);
  write_text32(writer, *message.text);
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
  writer.u8(static_cast<std::uint8_t>(applied.outcome));
}

Applied read_applied(ByteReader& reader, std::uint8_t format) {
  Applied applied;
  applied.operation = read_id(reader);
  applied.sequence = reader.u64();
  applied.record = static_cast<Record>(reader.u8());
  applied.won = reader.u8() != 0;
  applied.number = reader.u64();
  applied.timestamp = Timestamp{reader.i64()};
  if (format >= kThirdFormat) applied.outcome = static_cast<Outcome>(reader.u8());
  return applied;
}

RecordTable::Format record_format(std::uint8_t format) {
  if (format == kThirdFormat) return RecordTable::Format::without_answers;
  return format == kFourthFormat ? RecordTable::Format::with_answers : RecordTable::Format::with_digests;
}

}  // namespace

Bytes Board::encoded() const {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(kFormat);
  writer.u64(sequence_);
  writer.u64(last_message_);
  for (const MergedDocument& document : documents_) document.append_to(writer);
  conflicts_.append_to(writer);
  records_.append_to(writer);
  writer.u32(static_cast<std::uint32_t>(messages_.size()));
  for (const auto& message : messages_) write_message(writer, *message);
  writer.u32(static_cast<std::uint32_t>(remembered_.size()));
  for (const UniqueId id : remembered_) write_applied(writer, applied_.at(id));
  for (const MergedDocument& document : documents_) document.append_forgotten_to(writer);
  return bytes;
}

Result<void> Board::decode_first_format(ByteReader& reader, Board& board) {
  for (MergedDocument& document : board.documents_) {
    Head head = read_head(reader);
    auto whole = MergedDocument::from_whole(std::move(head), read_text32(reader));
    if (!whole) return whole.error();
    document = std::move(*whole);
  }
  return {};
}

Result<void> Board::decode_format(ByteReader& reader, std::uint8_t format, Board& board) {
  for (MergedDocument& document : board.documents_) {
    auto merged = MergedDocument::from(reader);
    if (!merged) return merged.error();
    document = std::move(*merged);
  }
  auto conflicts = Conflicts::from(reader);
  if (!conflicts) return conflicts.error();
  board.conflicts_ = std::move(*conflicts);
  if (format == kSecondFormat) return {};
  auto records = RecordTable::from(reader, record_format(format));
  if (!records) return records.error();
  board.records_ = std::move(*records);
  return {};
}

Result<Board> Board::decoded(ByteView bytes) {
  ByteReader reader(bytes);
  const std::uint8_t format = reader.u8();
  if (format < kFirstFormat || format > kFormat) {
    // Of a newer program, where it is not damaged.
    return Error{Outcome::refused, "snapshot: expected format 1-6, got " + std::to_string(format)};
  }
  Board board;
  board.sequence_ = reader.u64();
  board.last_message_ = reader.u64();
  if (auto read =
          format == kFirstFormat ? decode_first_format(reader, board) : decode_format(reader, format, board);
      !read) {
    return read.error();
  }
  const std::uint32_t messages = reader.u32();
  for (std::uint32_t i = 0; i < messages && !reader.failed(); ++i) {
    const std::uint64_t number = board.last_message_ - messages + i + 1;
    board.messages_.push_back(std::make_shared<const Message>(read_message(reader, number)));
  }
  const std::uint32_t remembered = reader.u32();
  for (std::uint32_t i = 0; i < remembered && !reader.failed(); ++i)
    board.remember(read_applied(reader, format));
  for (MergedDocument& document : board.documents_) {
    if (format <= kFourthFormat) break;
    if (auto read = document.read_forgotten(reader); !read) return read.error();
  }
  if (!reader.finished()) return Error{Outcome::failed, "snapshot: damaged: it ends in the wrong place"};
  return board;
}

}  // namespace callboard::server
