#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/board/operation.h"

namespace callboard::server {

// What somebody did that others may want to know later: who, what, when, and from where. An operation of the log like any other;
// its value is a JSON object of the fields that an operation has not.
struct AuditEntry {
  std::uint64_t number = 0;  // Its place in the log.
  Timestamp timestamp{};
  SessionId session{};  // Of whom did it; none of somebody who is not in one.
  std::string
      user{};  // By the name as shown; empty: the operator of the server's machine, or somebody unknown.
  std::string what{};   // One word of the list in docs/operations.md: "kick".
  std::string about{};  // Whom or what it was done to.
  std::string key{};    // Identity of the key of who did it, or tried; empty on an open server.
  std::string from{};   // Its address.
  std::string text{};   // The reason, or how it ended.
};

// As it is appended to the log; `id` is made for it alone.
Operation operation_of(AuditEntry entry, UniqueId id);
// The entry again. Fields that its value has not are empty.
AuditEntry audit_entry_of(std::uint64_t sequence, const Operation& operation);

struct AuditListing {
  std::vector<AuditEntry> entries;  // Oldest first.
  std::uint64_t last = 0;           // Number of the newest there is.
};

}  // namespace callboard::server
