#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "server/board/measures.h"
#include "server/board/presence.h"
#include "server/board/sha256.h"

namespace callboard::server {

// What a session that may come back needs when the server that it comes back to is another process.
struct KeptSession {
  SessionId id;
  Sha256 secret{};
  std::optional<UniqueId> workstation;
  User user;
  At at;
  std::string key = {};  // Identity of the key that it came in with; empty on an open server.
};

// All of them, and when the server was stopped in order; 0: it runs, or was killed.
struct KeptSessions {
  Timestamp stopped;
  std::vector<KeptSession> sessions;
  MeasuresBook measures{};
};

// The file `sessions`: u32 magic, u16 version, i64 stopped, u32 count, the sessions, SHA-256 of all that. Integers big-endian.
// Version 1 has no keys, version 2 no measures (which come after the sessions): each is written where nobody has one, so that an older program
// understands it.
Bytes encoded(const KeptSessions& kept);
// Refused when it is something else, of another version, or damaged.
Result<KeptSessions> kept_sessions_from(ByteView bytes);

}  // namespace callboard::server
