// The bytes of documents and conflicts in a snapshot:
//   document  = head | stamp of the floor | u32-length floor (Growth::print) | u32 count | count x entry
//   head      = u64 revision | u64 x 2 operation | u64 session | text16 user | i64 timestamp
//   stamp     = i64 timestamp | u32 counter | u64 session | u64 x 2 operation
//   entry     = u64 sequence | stamp | text16 user | u8 record | u64 base | u8 form | u32-length value
//   forgotten = u8 count | count x { u64 sequence | stamp | text16 user | u8 record }     the newest first
//   conflicts = u64 last number | u32 count | count x { u64 number | u8 record | u32-length path (as edits) | side | side }
//   side      = u64 revision | stamp | text16 user | u8 has value | u32-length value
#include <algorithm>
#include <utility>

#include "base/document/parse.h"
#include "server/board/conflicts.h"
#include "server/board/merged_document.h"
#include "server/board/snapshot_parts.h"

namespace callboard::server {
namespace {

Error damaged(std::string_view what) {
  return Error{Outcome::failed, "snapshot: damaged: " + std::string(what)};
}

void write_entry(ByteWriter& writer, const MergedDocument::Entry& entry) {
  const Operation& operation = *entry.operation;
  writer.u64(entry.sequence);
  write_stamp(writer, stamp_of(operation));
  writer.text16(operation.user);
  writer.u8(static_cast<std::uint8_t>(operation.record));
  writer.u64(operation.base);
  writer.u8(static_cast<std::uint8_t>(operation.form));
  write_text32(writer, *operation.value);
}

// The stamp and the user.
Operation read_author(ByteReader& reader) {
  Operation operation;
  const Stamp stamp = read_stamp(reader);
  operation.timestamp = stamp.time;
  operation.counter = stamp.counter;
  operation.session = stamp.session;
  operation.id = stamp.operation;
  operation.user = reader.text16();
  return operation;
}

Result<MergedDocument::Entry> read_entry(ByteReader& reader) {
  const std::uint64_t sequence = reader.u64();
  Operation operation = read_author(reader);
  const std::uint8_t record = reader.u8();
  operation.base = reader.u64();
  const std::uint8_t form = reader.u8();
  operation.value = read_document(reader);
  if (reader.failed() || record < 1 || record > 2 || form > 1) return damaged("operation");
  operation.record = static_cast<Record>(record);
  operation.form = static_cast<Form>(form);
  if (!read_edits(operation)) return damaged("operation");
  return MergedDocument::Entry{sequence, std::make_shared<const Operation>(std::move(operation))};
}

void write_side(ByteWriter& writer, const Side& side) {
  writer.u64(side.revision);
  write_stamp(writer, side.stamp);
  writer.text16(side.user);
  writer.u8(side.value != nullptr ? 1 : 0);
  write_text32(writer, side.value != nullptr ? document::print(*side.value) : std::string());
}

Result<Side> read_side(ByteReader& reader) {
  Side side;
  side.revision = reader.u64();
  side.stamp = read_stamp(reader);
  side.user = reader.text16();
  const bool has_value = reader.u8() != 0;
  const std::string_view text = read_text32(reader);
  if (!has_value || reader.failed()) return side;
  auto value = document::parse(text);
  if (!value) return damaged("conflict");
  side.value = std::move(*value);
  return side;
}

// What is lost at one place is said by the path and what it stood behind, as those of an edit, and by the loser's value; at many
// by edits behind that.
std::string places_text(const Conflict& conflict) {
  document::Edits edits{{document::Edit::Kind::set, conflict.path, document::make_null(), conflict.after}};
  if (conflict.places) edits.insert(edits.end(), conflict.places->begin(), conflict.places->end());
  return document::print(edits);
}

Result<Conflict> read_conflict(ByteReader& reader) {
  Conflict conflict;
  conflict.number = reader.u64();
  const std::uint8_t record = reader.u8();
  auto places = document::parse_edits(read_text32(reader));
  auto winner = read_side(reader);
  auto loser = read_side(reader);
  if (reader.failed() || record < 1 || record > 2 || !places || places->empty() || !winner || !loser) {
    return damaged("conflict");
  }
  conflict.record = static_cast<Record>(record);
  conflict.path = std::move(places->front().path);
  conflict.after = std::move(places->front().after);
  conflict.winner = std::move(*winner);
  conflict.loser = std::move(*loser);
  places->erase(places->begin());
  if (!places->empty()) conflict.places = std::make_shared<const document::Edits>(std::move(*places));
  return conflict;
}

}  // namespace

void MergedDocument::append_to(ByteWriter& writer) const {
  write_head(writer, head_);
  write_stamp(writer, floor_.stamp);
  State floor = floor_;
  settle(floor);
  const std::string text = floor.growth.print();
  constexpr std::size_t kEntryBytes = 128;  // But for its value: a name is short.
  writer.reserve(text.size() + window_bytes_ + window_.size() * kEntryBytes);
  write_text32(writer, text);
  writer.u32(static_cast<std::uint32_t>(window_.size()));
  for (const Entry& entry : window_) write_entry(writer, entry);
}

Result<MergedDocument> MergedDocument::from(ByteReader& reader) {
  MergedDocument document;
  document.head_ = read_head(reader);
  document.floor_.stamp = read_stamp(reader);
  auto floor = document::Growth::parse(read_text32(reader));
  if (!floor) return damaged("document");
  document.floor_.growth = std::move(*floor);
  const std::uint32_t count = reader.u32();
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    auto entry = read_entry(reader);
    if (!entry) return entry.error();
    document.window_bytes_ += entry->operation->value->size();
    document.window_.push_back(std::move(*entry));
  }
  document.replay_from(Stamp{});
  document.reapplied_ = 0;
  return document;
}

void MergedDocument::append_forgotten_to(ByteWriter& writer) const {
  const auto count = std::ranges::count_if(forgotten_, [](const Entry& each) { return each.sequence != 0; });
  writer.u8(static_cast<std::uint8_t>(count));
  for (const Entry& each : forgotten_) {
    if (each.sequence == 0) continue;
    writer.u64(each.sequence);
    write_stamp(writer, stamp_of(*each.operation));
    writer.text16(each.operation->user);
    writer.u8(static_cast<std::uint8_t>(each.operation->record));
  }
}

Result<void> MergedDocument::read_forgotten(ByteReader& reader) {
  const std::uint8_t count = reader.u8();
  if (count > forgotten_.size()) return damaged("document");
  for (std::uint8_t i = 0; i < count; ++i) {
    const std::uint64_t sequence = reader.u64();
    Operation author = read_author(reader);
    const std::uint8_t record = reader.u8();
    if (reader.failed() || sequence == 0 || record < 1 || record > 2) return damaged("document");
    author.record = static_cast<Record>(record);
    forgotten_.at(i) = {sequence, std::make_shared<const Operation>(std::move(author))};
  }
  return {};
}

Result<MergedDocument> MergedDocument::from_whole(Head head, std::string_view text) {
  MergedDocument document;
  if (head.revision == 0) return document;
  auto root = document::parse(text);
  if (!root) return damaged("document");
  document.floor_.growth.apply({document::Edit::Kind::set, {}, std::move(*root), {}});
  document.floor_.stamp = {head.timestamp, 0, head.session, head.operation};
  document.growth_ = document.floor_.growth;
  document.head_ = std::move(head);
  return document;
}

void Conflicts::append_to(ByteWriter& writer) const {
  writer.u64(last_);
  writer.u32(static_cast<std::uint32_t>(open_.size()));
  for (const Conflict& conflict : open_) {
    writer.u64(conflict.number);
    writer.u8(static_cast<std::uint8_t>(conflict.record));
    write_text32(writer, places_text(conflict));
    write_side(writer, conflict.winner);
    write_side(writer, conflict.loser);
  }
}

Result<Conflicts> Conflicts::from(ByteReader& reader) {
  Conflicts conflicts;
  conflicts.last_ = reader.u64();
  const std::uint32_t count = reader.u32();
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    auto conflict = read_conflict(reader);
    if (!conflict) return conflict.error();
    conflicts.add(std::move(*conflict));
  }
  return conflicts;
}

}  // namespace callboard::server
