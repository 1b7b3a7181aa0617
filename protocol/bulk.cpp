#include "protocol/bulk.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "protocol/frame.h"

namespace callboard::protocol {
namespace {

constexpr std::size_t kDigestSize = 16;
// Bytes of the smallest element of each list: a count is believed only if that many of them can follow.
constexpr std::size_t kEntryMin = 1 + 2 + 8 + 8 + kDigestSize + 2 + 2;
constexpr std::size_t kOpenItemMin = 2 + kDigestSize;
constexpr std::size_t kOpenedItemMin = 1 + kEntryMin + 8 + 8 + 2;
constexpr std::size_t kDirectoryMin = 2;
// How the content of a `file` comes.
constexpr std::uint8_t kFilePieces = 0;
constexpr std::uint8_t kFileWhole = 1;
constexpr std::uint8_t kFileSparse = 2;

// --- Encoding -------------------------------------------------------------------------------------------------------

std::uint8_t byte_of(Outcome outcome) { return static_cast<std::uint8_t>(outcome); }

void put(ByteWriter& out, const Open& m, Bytes&) {
  ENSURE(m.items.size() <= std::numeric_limits<std::uint16_t>::max());
  out.u8(kBulkVersion);
  out.u8(kBulkHashXxh3);
  out.u8(static_cast<std::uint8_t>(m.mode));
  out.u16(static_cast<std::uint16_t>(m.items.size()));
  for (const OpenItem& item : m.items) {
    out.text16(item.path);
    out.raw(item.digest.bytes);
  }
}
void put(ByteWriter& out, const List& m, Bytes&) {
  out.u32(static_cast<std::uint32_t>(m.directories.size()));
  for (const std::string& directory : m.directories) out.text16(directory);
}
void put(ByteWriter& out, const Want& m, Bytes&) {
  out.u32(static_cast<std::uint32_t>(m.ranges.size()));
  for (const WantRange& range : m.ranges) {
    out.u32(range.listing);
    out.u32(range.first_entry);
    out.u32(range.entry_count);
  }
}
void put(ByteWriter& out, const WantFrom& m, Bytes&) {
  out.u32(m.listing);
  out.u32(m.entry);
  out.u64(m.offset);
}
void put_numbers(ByteWriter& out, const std::vector<std::uint64_t>& numbers) {
  out.u32(static_cast<std::uint32_t>(numbers.size()));
  for (const std::uint64_t number : numbers) out.u64(number);
}
void put(ByteWriter& out, const WantChunks& m, Bytes&) {
  out.u32(m.listing);
  out.u32(m.entry);
  out.u64(m.offset);
  put_numbers(out, m.groups);
}
void put(ByteWriter& out, const WantRanges& m, Bytes&) {
  out.u32(m.listing);
  out.u32(m.entry);
  out.u32(static_cast<std::uint32_t>(m.ranges.size()));
  for (const Range& range : m.ranges) {
    out.u64(range.offset);
    out.u64(range.size_bytes);
  }
}
void put(ByteWriter& out, const Chunks& m, Bytes&) {
  out.u32(m.listing);
  out.u32(m.entry);
  out.u8(static_cast<std::uint8_t>(m.state));
  out.u8(m.kept ? 1 : 0);
  put_numbers(out, m.chunks);
}
void put(ByteWriter& out, const Opened& m, Bytes& bytes) {
  ENSURE(m.items.size() <= std::numeric_limits<std::uint16_t>::max());
  out.u8(m.ok ? 0 : 1);
  out.u16(static_cast<std::uint16_t>(m.items.size()));
  for (const OpenedItem& item : m.items) {
    out.u8(byte_of(item.outcome));
    serialise(item.entry, bytes);
    out.u64(item.files_below);
    out.u64(item.bytes_below);
    out.text16(cut(item.text, kBulkTextMax));
  }
}
void put(ByteWriter& out, const ListKnown& m, Bytes&) {
  out.text16(m.directory);
  put_numbers(out, m.buckets);
}
void put(ByteWriter& out, const Listing& m, Bytes& bytes) {
  out.u32(m.number);
  out.text16(m.directory);
  out.u8(m.more ? 1 : 0);
  out.u8(byte_of(m.outcome));
  put_numbers(out, m.same);
  out.u32(static_cast<std::uint32_t>(m.entries.size()));
  for (const Entry& entry : m.entries) serialise(entry, bytes);
}
void put_file_fields(ByteWriter& out, const File& m) {
  out.u32(m.listing);
  out.u32(m.entry);
  out.u8(byte_of(m.outcome));
  ENSURE(!m.whole || !m.sparse);
  out.u8(m.sparse ? kFileSparse : m.whole ? kFileWhole : kFilePieces);
  out.u64(m.size_bytes);
  out.u64(m.offset);
}
void put(ByteWriter& out, const File& m, Bytes&) {
  put_file_fields(out, m);
  out.raw(m.content);
}
void put(ByteWriter& out, const Data& m, Bytes&) { out.raw(m.content); }
void put(ByteWriter& out, const Hole& m, Bytes&) { out.u64(m.size_bytes); }

// Finished, FileEnd and Failed.
template <class Ending>
void put(ByteWriter& out, const Ending& m, Bytes&) requires requires {
  m.outcome, m.text;
}
{
  out.u8(byte_of(m.outcome));
  out.text16(cut(m.text, kBulkTextMax));
}

template <class T>
constexpr BulkKind kind_of() {
  if constexpr (std::is_same_v<T, Open>) return BulkKind::open;
  if constexpr (std::is_same_v<T, List>) return BulkKind::list;
  if constexpr (std::is_same_v<T, Want>) return BulkKind::want;
  if constexpr (std::is_same_v<T, WantFrom>) return BulkKind::want_from;
  if constexpr (std::is_same_v<T, Finished>) return BulkKind::finished;
  if constexpr (std::is_same_v<T, Opened>) return BulkKind::opened;
  if constexpr (std::is_same_v<T, Listing>) return BulkKind::listing;
  if constexpr (std::is_same_v<T, File>) return BulkKind::file;
  if constexpr (std::is_same_v<T, Data>) return BulkKind::data;
  if constexpr (std::is_same_v<T, FileEnd>) return BulkKind::file_end;
  if constexpr (std::is_same_v<T, Failed>) return BulkKind::failed;
  if constexpr (std::is_same_v<T, WantChunks>) return BulkKind::want_chunks;
  if constexpr (std::is_same_v<T, WantRanges>) return BulkKind::want_ranges;
  if constexpr (std::is_same_v<T, ListKnown>) return BulkKind::list_known;
  if constexpr (std::is_same_v<T, Chunks>) return BulkKind::chunks;
  if constexpr (std::is_same_v<T, Hole>) return BulkKind::hole;
}

void put_head(BulkKind kind, std::uint64_t body_size, Bytes& out) {
  ENSURE(kFrameKindSize + body_size <= kBulkFrameMax);
  const auto head =
      encode_frame_head({static_cast<std::uint8_t>(kind), static_cast<std::uint32_t>(body_size)});
  out.insert(out.end(), head.begin(), head.end());
}

template <class T>
void encode_one(const T& frame, Bytes& out) {
  Bytes body;
  ByteWriter writer(body);
  put(writer, frame, body);
  put_head(kind_of<T>(), body.size(), out);
  out.insert(out.end(), body.begin(), body.end());
}

// --- Parsing --------------------------------------------------------------------------------------------------------

Error broken(std::string_view what) { return Error{Outcome::refused, std::string(what)}; }

// A later version's word is still an ending.
Outcome outcome_of(std::uint8_t byte) {
  return byte <= byte_of(Outcome::cancelled) ? static_cast<Outcome>(byte) : Outcome::failed;
}

std::optional<Error> wrong_count(const ByteReader& reader, std::uint64_t count, std::size_t element_min) {
  if (!reader.failed() && count <= reader.rest().size() / element_min) return std::nullopt;
  return broken("count: expected no more than the frame holds, got " + std::to_string(count));
}

std::optional<Error> wrong_end(const ByteReader& reader) {
  if (reader.finished()) return std::nullopt;
  return broken(reader.failed() ? "expected more bytes, got the frame's end"
                                : "expected the frame's end, got " + std::to_string(reader.rest().size()) +
                                      " bytes more");
}

std::optional<Error> read_flag(ByteReader& reader, std::string_view name, bool& flag) {
  const std::uint8_t byte = reader.u8();
  if (byte > 1) return broken(std::string(name) + ": expected 0 or 1, got " + std::to_string(byte));
  flag = byte == 1;
  return std::nullopt;
}

Digest read_digest(ByteReader& reader) {
  Digest digest;
  const ByteView bytes = reader.raw(kDigestSize);
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  return digest;
}

std::string element(std::string_view what, std::size_t index) {
  return std::string(what) + " " + std::to_string(index);
}

std::optional<Error> get(ByteReader& reader, Open& m) {
  const std::uint8_t version = reader.u8();
  const std::uint8_t hash = reader.u8();
  const std::uint8_t mode = reader.u8();
  if (reader.failed()) return wrong_end(reader);
  if (version != kBulkVersion) {
    return broken("version: expected " + std::to_string(kBulkVersion) + ", got " + std::to_string(version));
  }
  if (hash != kBulkHashXxh3) return broken("hash: expected 1, got " + std::to_string(hash));
  if (mode > 1) return broken("mode: expected 0 or 1, got " + std::to_string(mode));
  m.mode = static_cast<OpenMode>(mode);
  const std::uint16_t count = reader.u16();
  if (auto wrong = wrong_count(reader, count, kOpenItemMin)) return wrong;
  m.items.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::string path(reader.text16());
    m.items.push_back({std::move(path), read_digest(reader)});
  }
  return wrong_end(reader);
}
std::optional<Error> get(ByteReader& reader, List& m) {
  const std::uint32_t count = reader.u32();
  if (auto wrong = wrong_count(reader, count, kDirectoryMin)) return wrong;
  // Not reserved: a string object is 16 times the two bytes that can stand for one, so it is paid for as it is read.
  for (std::size_t i = 0; i < count && !reader.failed(); ++i) m.directories.emplace_back(reader.text16());
  return wrong_end(reader);
}
std::optional<Error> get(ByteReader& reader, Want& m) {
  const std::uint32_t count = reader.u32();
  if (auto wrong = wrong_count(reader, count, kWantRangeSize)) return wrong;
  m.ranges.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    WantRange range;
    range.listing = reader.u32();
    range.first_entry = reader.u32();
    range.entry_count = reader.u32();
    m.ranges.push_back(range);
  }
  return wrong_end(reader);
}
std::optional<Error> get(ByteReader& reader, WantFrom& m) {
  m.listing = reader.u32();
  m.entry = reader.u32();
  m.offset = reader.u64();
  return wrong_end(reader);
}
std::optional<Error> read_numbers(ByteReader& reader, std::vector<std::uint64_t>& numbers) {
  const std::uint32_t count = reader.u32();
  if (auto wrong = wrong_count(reader, count, kChunkSize)) return wrong;
  numbers.reserve(count);
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(reader.u64());
  return std::nullopt;
}
// As the last thing of a frame.
std::optional<Error> read_last_numbers(ByteReader& reader, std::vector<std::uint64_t>& numbers) {
  if (auto wrong = read_numbers(reader, numbers)) return wrong;
  return wrong_end(reader);
}
std::optional<Error> get(ByteReader& reader, ListKnown& m) {
  m.directory = reader.text16();
  return read_last_numbers(reader, m.buckets);
}
std::optional<Error> get(ByteReader& reader, WantChunks& m) {
  m.listing = reader.u32();
  m.entry = reader.u32();
  m.offset = reader.u64();
  return read_last_numbers(reader, m.groups);
}
std::optional<Error> get(ByteReader& reader, WantRanges& m) {
  m.listing = reader.u32();
  m.entry = reader.u32();
  const std::uint32_t count = reader.u32();
  if (auto wrong = wrong_count(reader, count, kRangeSize)) return wrong;
  m.ranges.reserve(count);
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Range range;
    range.offset = reader.u64();
    range.size_bytes = reader.u64();
    const bool has_room = range.size_bytes <= std::numeric_limits<std::uint64_t>::max() - range.offset;
    if (range.offset < end || range.size_bytes == 0 || !has_room) {
      return broken("expected ranges that ascend and are not empty").prefixed(element("range", i));
    }
    end = range.offset + range.size_bytes;
    m.ranges.push_back(range);
  }
  return wrong_end(reader);
}
std::optional<Error> get(ByteReader& reader, Chunks& m) {
  m.listing = reader.u32();
  m.entry = reader.u32();
  const std::uint8_t state = reader.u8();
  if (state > static_cast<std::uint8_t>(ChunksState::cut_short)) {
    return broken("state: expected 0-2, got " + std::to_string(state));
  }
  m.state = static_cast<ChunksState>(state);
  if (auto wrong = read_flag(reader, "kept", m.kept)) return wrong;
  return read_last_numbers(reader, m.chunks);
}
std::optional<Error> get(ByteReader& reader, Opened& m) {
  bool has_failed = false;
  if (auto wrong = read_flag(reader, "status", has_failed)) return wrong;
  m.ok = !has_failed;
  const std::uint16_t count = reader.u16();
  if (auto wrong = wrong_count(reader, count, kOpenedItemMin)) return wrong;
  for (std::size_t i = 0; i < count; ++i) {
    OpenedItem item;
    item.outcome = outcome_of(reader.u8());
    if (!parse(reader, item.entry)) return broken("expected an entry").prefixed(element("item", i));
    if (!item.entry.name.empty()) return broken("name: expected none").prefixed(element("item", i));
    item.files_below = reader.u64();
    item.bytes_below = reader.u64();
    item.text = reader.text16();
    m.items.push_back(std::move(item));
  }
  return wrong_end(reader);
}
std::optional<Error> get(ByteReader& reader, Listing& m) {
  m.number = reader.u32();
  m.directory = reader.text16();
  if (auto wrong = read_flag(reader, "more", m.more)) return wrong;
  m.outcome = outcome_of(reader.u8());
  if (auto wrong = read_numbers(reader, m.same)) return wrong;
  const std::uint32_t count = reader.u32();
  if (auto wrong = wrong_count(reader, count, kEntryMin)) return wrong;
  m.entries.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (!parse(reader, m.entries.emplace_back()))
      return broken("expected an entry").prefixed(element("entry", i));
  }
  return wrong_end(reader);
}
std::optional<Error> get(ByteReader& reader, File& m) {
  m.listing = reader.u32();
  m.entry = reader.u32();
  m.outcome = outcome_of(reader.u8());
  const std::uint8_t form = reader.u8();
  if (form > kFileSparse) return broken("whole: expected 0-2, got " + std::to_string(form));
  m.whole = form == kFileWhole;
  m.sparse = form == kFileSparse;
  m.size_bytes = reader.u64();
  m.offset = reader.u64();
  if (reader.failed()) return wrong_end(reader);
  m.content = reader.rest();
  if (m.offset > m.size_bytes) {
    return broken("offset: expected at most the size " + std::to_string(m.size_bytes) + ", got " +
                  std::to_string(m.offset));
  }
  return std::nullopt;
}
std::optional<Error> get(ByteReader& reader, Data& m) {
  m.content = reader.rest();
  if (!m.content.empty() && m.content.size() <= kBulkDataMax) return std::nullopt;
  return broken("expected 1-" + std::to_string(kBulkDataMax) + " bytes, got " +
                std::to_string(m.content.size()));
}
std::optional<Error> get(ByteReader& reader, Hole& m) {
  m.size_bytes = reader.u64();
  if (!reader.failed() && m.size_bytes == 0) return broken("size: expected at least 1, got 0");
  return wrong_end(reader);
}
template <class Ending>
std::optional<Error> get(ByteReader& reader, Ending& m) requires requires {
  m.outcome, m.text;
}
{
  m.outcome = outcome_of(reader.u8());
  m.text = reader.text16();
  return wrong_end(reader);
}

template <class Frame, class T>
Result<Frame> parse_as(std::string_view name, ByteView body) {
  T frame;
  ByteReader reader(body);
  if (const auto error = get(reader, frame)) return error->prefixed(name);
  return Frame(std::move(frame));
}

Error unexpected_kind(std::uint8_t kind) {
  return broken("frame: expected a kind that this side reads, got " + std::to_string(kind));
}

}  // namespace

void encode(const TakerFrame& frame, Bytes& out) {
  std::visit([&](const auto& f) { encode_one(f, out); }, frame);
}
void encode(const GiverFrame& frame, Bytes& out) {
  std::visit([&](const auto& f) { encode_one(f, out); }, frame);
}

void encode_file_head(const File& file, std::uint64_t content_size_bytes, Bytes& out) {
  put_head(BulkKind::file, kFileHeadSize + content_size_bytes, out);
  ByteWriter writer(out);
  put_file_fields(writer, file);
}

void encode_data_head(std::uint64_t content_size_bytes, Bytes& out) {
  ENSURE(content_size_bytes >= 1 && content_size_bytes <= kBulkDataMax);
  put_head(BulkKind::data, content_size_bytes, out);
}

std::size_t encoded_size(const OpenItem& item) { return kOpenItemMin + item.path.size(); }
std::size_t encoded_size(const OpenedItem& item) {
  return kOpenedItemMin + item.entry.name.size() + item.entry.target.size() +
         cut(item.text, kBulkTextMax).size();
}
std::size_t encoded_size(const Entry& entry) { return kEntryMin + entry.name.size() + entry.target.size(); }

Result<TakerFrame> parse_taker_frame(std::uint8_t kind, ByteView body) {
  switch (kind) {
    case static_cast<std::uint8_t>(BulkKind::open):
      return parse_as<TakerFrame, Open>("open", body);
    case static_cast<std::uint8_t>(BulkKind::list):
      return parse_as<TakerFrame, List>("list", body);
    case static_cast<std::uint8_t>(BulkKind::want):
      return parse_as<TakerFrame, Want>("want", body);
    case static_cast<std::uint8_t>(BulkKind::want_from):
      return parse_as<TakerFrame, WantFrom>("want_from", body);
    case static_cast<std::uint8_t>(BulkKind::finished):
      return parse_as<TakerFrame, Finished>("finished", body);
    case static_cast<std::uint8_t>(BulkKind::want_chunks):
      return parse_as<TakerFrame, WantChunks>("want_chunks", body);
    case static_cast<std::uint8_t>(BulkKind::want_ranges):
      return parse_as<TakerFrame, WantRanges>("want_ranges", body);
    case static_cast<std::uint8_t>(BulkKind::list_known):
      return parse_as<TakerFrame, ListKnown>("list_known", body);
    default:
      return unexpected_kind(kind);
  }
}

Result<GiverFrame> parse_giver_frame(std::uint8_t kind, ByteView body) {
  switch (kind) {
    case static_cast<std::uint8_t>(BulkKind::opened):
      return parse_as<GiverFrame, Opened>("opened", body);
    case static_cast<std::uint8_t>(BulkKind::listing):
      return parse_as<GiverFrame, Listing>("listing", body);
    case static_cast<std::uint8_t>(BulkKind::file):
      return parse_as<GiverFrame, File>("file", body);
    case static_cast<std::uint8_t>(BulkKind::data):
      return parse_as<GiverFrame, Data>("data", body);
    case static_cast<std::uint8_t>(BulkKind::file_end):
      return parse_as<GiverFrame, FileEnd>("file_end", body);
    case static_cast<std::uint8_t>(BulkKind::failed):
      return parse_as<GiverFrame, Failed>("failed", body);
    case static_cast<std::uint8_t>(BulkKind::chunks):
      return parse_as<GiverFrame, Chunks>("chunks", body);
    case static_cast<std::uint8_t>(BulkKind::hole):
      return parse_as<GiverFrame, Hole>("hole", body);
    default:
      return unexpected_kind(kind);
  }
}

}  // namespace callboard::protocol
