#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "server/board/audit_entry.h"
#include "server/board/key_ring.h"

// What was done to a server's keys, as the audit tells it. Pure.
namespace callboard::server {

struct KeyChange {
  UniqueId id;  // Of its operation in the log: whoever puts it there twice, it is there once.
  AuditEntry entry;
  std::string replaces = {};  // Of a key that was rotated: the identity of the one before.
};

// What an entry says of a key that was added or rotated.
std::string role_text(const KeyEntry& entry);
// What the keys say of it; not when it was, nor by whom.
std::vector<AuditEntry> changes_between(const KeyRing& before, const KeyRing& now);

// The file `keys.changes`: a line for each, of its id, its time in ms and the JSON of its operation, with the
// `user` of it and what it `replaces`, with spaces between.
std::string to_line(const KeyChange& change);
struct KeyChanges {
  std::vector<KeyChange> changes;
  std::vector<std::string> not_understood;  // Lines that make no sense here: damaged, or of another version.
};
KeyChanges key_changes_from(ByteView lines);
std::string to_lines(const KeyChanges& changes);

}  // namespace callboard::server
