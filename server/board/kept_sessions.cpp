#include "server/board/kept_sessions.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace callboard::server {
namespace {

constexpr std::uint32_t kMagic = 0x43427373;  // "CBss"
constexpr std::uint16_t kVersionOpen = 1;
constexpr std::uint16_t kVersionKeyed = 2;
constexpr std::uint16_t kVersion = 3;
// Everybody that may be here or away at a time, and more than a file of kAwayMax bytes each could be damaged into.
constexpr std::uint32_t kSessionsMax = 100'000;

ByteView bytes_of(const Sha256& digest) { return std::as_bytes(std::span(digest)); }

Sha256 read_digest(ByteReader& reader) {
  Sha256 digest{};
  for (std::uint8_t& byte : digest) byte = reader.u8();
  return digest;
}

void write(ByteWriter& writer, const KeptSession& session, std::uint16_t version) {
  writer.u64(session.id.value);
  writer.raw(bytes_of(session.secret));
  const UniqueId workstation = session.workstation.value_or(UniqueId{});
  writer.u64(workstation.high);
  writer.u64(workstation.low);
  writer.text16(session.user.name);
  writer.text16(session.user.asked_name);
  writer.text16(session.user.host);
  writer.u8(session.user.shares ? 1 : 0);
  writer.i64(session.user.joined.ms);
  writer.i64(session.user.camera_x);
  writer.i64(session.user.camera_y);
  writer.text16(session.at.item);
  writer.i64(session.at.since.ms);
  if (version >= kVersionKeyed) writer.text16(session.key);
}

KeptSession read_session(ByteReader& reader, std::uint16_t version) {
  KeptSession session;
  session.id = SessionId{reader.u64()};
  session.secret = read_digest(reader);
  const std::uint64_t high = reader.u64();
  const UniqueId workstation{high, reader.u64()};
  if (workstation) session.workstation = workstation;
  session.user.name = reader.text16();
  session.user.asked_name = reader.text16();
  session.user.host = reader.text16();
  session.user.shares = reader.u8() != 0;
  session.user.joined = {reader.i64()};
  session.user.camera_x = reader.i64();
  session.user.camera_y = reader.i64();
  session.at.item = reader.text16();
  session.at.since = {reader.i64()};
  if (version >= kVersionKeyed) session.key = reader.text16();
  return session;
}

}  // namespace

Bytes encoded(const KeptSessions& kept) {
  Bytes bytes;
  ByteWriter writer(bytes);
  const bool has_keys =
      std::ranges::any_of(kept.sessions, [](const KeptSession& each) { return !each.key.empty(); });
  const std::uint16_t version = !kept.measures.is_empty() ? kVersion
                                : has_keys                ? kVersionKeyed
                                                          : kVersionOpen;
  writer.u32(kMagic);
  writer.u16(version);
  writer.i64(kept.stopped.ms);
  writer.u32(static_cast<std::uint32_t>(kept.sessions.size()));
  for (const KeptSession& session : kept.sessions) write(writer, session, version);
  if (version == kVersion) kept.measures.append_to(writer);
  const Sha256 digest = sha256(bytes);
  writer.raw(bytes_of(digest));
  return bytes;
}

Result<KeptSessions> kept_sessions_from(ByteView bytes) {
  if (bytes.size() < sizeof(Sha256)) return Error{Outcome::refused, "it is cut off"};
  const ByteView content = bytes.first(bytes.size() - sizeof(Sha256));
  ByteReader ending(bytes.subspan(content.size()));
  if (read_digest(ending) != sha256(content)) return Error{Outcome::refused, "it is damaged"};
  ByteReader reader(content);
  if (reader.u32() != kMagic) return Error{Outcome::refused, "it holds no sessions"};
  const std::uint16_t version = reader.u16();
  if (version < kVersionOpen || version > kVersion) {
    return Error{Outcome::refused, "expected version 1-3, got " + std::to_string(version)};
  }
  KeptSessions kept;
  kept.stopped = {reader.i64()};
  const std::uint32_t count = reader.u32();
  if (count > kSessionsMax) return Error{Outcome::refused, "it is damaged"};
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    kept.sessions.push_back(read_session(reader, version));
  }
  if (version == kVersion) kept.measures = MeasuresBook::from(reader);
  if (!reader.finished()) return Error{Outcome::refused, "it is damaged"};
  return kept;
}

}  // namespace callboard::server
