#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/access_key.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace callboard::server {

// Whether a key with that end is good then.
inline bool is_good(const std::optional<Timestamp>& expires, Timestamp now) {
  return !expires || now < *expires;
}

// What the server knows of a key it gave out.
struct KeyEntry {
  std::string name;  // Of whoever holds it: what everybody sees as the user's name.
  AccessKey key;
  std::string role = "artist";
  Timestamp created;
  std::optional<Timestamp> expires;
  bool once = false;  // Lets one session in, which may come back …
  bool used = false;  // … and has done so.

  bool is_good(Timestamp now) const { return server::is_good(expires, now); }
};

// The keys of one server: a name has one, an identity is one's. Pure.
class KeyRing {
 public:
  // Refused when the name has a key already.
  Result<void> add(KeyEntry entry);
  Result<void> revoke(std::string_view name);
  // Another identity and secret under the same name. not_found: it has none.
  Result<void> rotate(std::string_view name, AccessKey key);
  void set_used(std::string_view identity);

  // Null: nobody's.
  const KeyEntry* find(std::string_view identity) const;
  const KeyEntry* find_name(std::string_view name) const;
  // In the order in which they were added.
  const std::vector<KeyEntry>& entries() const { return entries_; }

 private:
  std::vector<KeyEntry> entries_;
};

// The file `keys`: u32 magic, u16 version, u32 count, the entries, SHA-256 of all that. Integers big-endian.
Bytes encoded(const KeyRing& ring);
// Refused when it is something else, of another version, or damaged.
Result<KeyRing> key_ring_from(ByteView bytes);

}  // namespace callboard::server
