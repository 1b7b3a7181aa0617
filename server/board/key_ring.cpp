#include "server/board/key_ring.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "server/board/sha256.h"

namespace callboard::server {
namespace {

constexpr std::uint32_t kRingMagic = 0x43426b73;  // "CBks"
constexpr std::uint16_t kRingVersion = 1;

Error no_key_of(std::string_view name) {
  return {Outcome::not_found, callboard::quoted(name) + " has no key"};
}

void write(ByteWriter& writer, const KeyEntry& entry) {
  writer.text16(entry.name);
  writer.text16(entry.key.identity);
  writer.raw(std::as_bytes(std::span(entry.key.secret)));
  writer.text16(entry.role);
  writer.i64(entry.created.ms);
  writer.i64(entry.expires.value_or(Timestamp{}).ms);
  writer.u8(entry.once ? 1 : 0);
  writer.u8(entry.used ? 1 : 0);
}

KeyEntry read_key_entry(ByteReader& reader) {
  KeyEntry entry;
  entry.name = reader.text16();
  entry.key.identity = reader.text16();
  for (std::uint8_t& byte : entry.key.secret) byte = reader.u8();
  entry.role = reader.text16();
  entry.created = {reader.i64()};
  if (const std::int64_t expires = reader.i64(); expires != 0) entry.expires = Timestamp{expires};
  entry.once = reader.u8() != 0;
  entry.used = reader.u8() != 0;
  return entry;
}

}  // namespace

Result<void> KeyRing::add(KeyEntry entry) {
  if (find_name(entry.name) != nullptr) {
    return Error{Outcome::refused, callboard::quoted(entry.name) + " has a key already: rotate or revoke it"};
  }
  if (entries_.size() >= kKeysMax) {
    return Error{Outcome::refused, "there are " + std::to_string(kKeysMax) + " keys already"};
  }
  entries_.push_back(std::move(entry));
  return {};
}

Result<void> KeyRing::revoke(std::string_view name) {
  if (std::erase_if(entries_, [&](const KeyEntry& each) { return each.name == name; }) > 0) return {};
  return no_key_of(name);
}

Result<void> KeyRing::rotate(std::string_view name, AccessKey key) {
  const auto found = std::ranges::find(entries_, name, &KeyEntry::name);
  if (found == entries_.end()) return no_key_of(name);
  found->key = std::move(key);
  found->used = false;
  return {};
}

void KeyRing::set_used(std::string_view identity) {
  for (KeyEntry& each : entries_) {
    if (each.key.identity == identity) each.used = true;
  }
}

const KeyEntry* KeyRing::find(std::string_view identity) const {
  const auto found =
      std::ranges::find_if(entries_, [&](const KeyEntry& each) { return each.key.identity == identity; });
  return found == entries_.end() ? nullptr : &*found;
}

const KeyEntry* KeyRing::find_name(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &KeyEntry::name);
  return found == entries_.end() ? nullptr : &*found;
}

Bytes encoded(const KeyRing& ring) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u32(kRingMagic);
  writer.u16(kRingVersion);
  writer.u32(static_cast<std::uint32_t>(ring.entries().size()));
  for (const KeyEntry& entry : ring.entries()) write(writer, entry);
  const Sha256 digest = sha256(bytes);
  writer.raw(std::as_bytes(std::span(digest)));
  return bytes;
}

Result<KeyRing> key_ring_from(ByteView bytes) {
  if (bytes.size() < sizeof(Sha256)) return Error{Outcome::refused, "it is cut off"};
  const ByteView content = bytes.first(bytes.size() - sizeof(Sha256));
  const Sha256 digest = sha256(content);
  if (!std::ranges::equal(bytes.subspan(content.size()), std::as_bytes(std::span(digest))))
    return Error{Outcome::refused, "it is damaged"};
  ByteReader reader(content);
  if (reader.u32() != kRingMagic) return Error{Outcome::refused, "it holds no keys"};
  if (const auto version = reader.u16(); version != kRingVersion) {
    return Error{Outcome::refused,
                 "expected version " + std::to_string(kRingVersion) + ", got " + std::to_string(version)};
  }
  KeyRing ring;
  const std::uint32_t count = reader.u32();
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    if (auto added = ring.add(read_key_entry(reader)); !added) return added.error();
  }
  if (!reader.finished()) return Error{Outcome::refused, "it is damaged"};
  return ring;
}

}  // namespace callboard::server
