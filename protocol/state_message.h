#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "protocol/common_message.h"

// How the server says the board's state; see message.h.
namespace callboard::protocol {

// --- Said by the server: answers (`re` is set) and tells (it is not)
// Result in the join, answer to a read or a write, and tell.
struct DocumentState {
  std::optional<AskId> re;
  DocumentRecord record = DocumentRecord::story;
  Timestamp timestamp;
  std::uint64_t revision = 0;  // 0: there is no document yet; then `by` and `session` are empty.
  std::string by;
  SessionId session;
  bool won = false;
  std::uint64_t number = 0;     // Of the write that is answered; 0: no write is.
  std::uint64_t conflicts = 0;  // That this write is in.
  std::uint64_t from = 0;       // `document` is a JSON Patch of that revision; 0: it is the document.
  Document document;
};
// One operation on a document.
struct Revision {
  std::uint64_t revision = 0;
  std::string user;
  SessionId session;
  Timestamp timestamp;
  std::uint64_t base = 0;
  bool stands = true;
  std::uint64_t bytes = 0;
  std::string at;
  std::uint64_t settles = 0;
  std::uint64_t places = 0;  // How many it changed; 0: one.
  bool partly = false;       // What does not stand is some of it.
};
struct Revisions {
  AskId re = 0;
  std::vector<Revision> revisions;  // Newest first.
  bool more = false;
  std::uint64_t looked_to = 0;  // What is below this number was not looked at; 0: nothing is left.
};
struct ConflictSide {
  std::uint64_t revision = 0;
  std::string user;
  SessionId session;
  Timestamp timestamp;
  std::string value;  // As JSON text; empty: taken away, or longer than kConflictValueMax.
};
struct Conflict {
  std::uint64_t number = 0;
  DocumentRecord document = DocumentRecord::story;
  std::string at;
  ConflictSide winner;
  ConflictSide loser;
  std::uint64_t places = 0;  // How many of what encloses them; 0: one.
};
struct Conflicts {
  std::optional<AskId> re;
  std::vector<Conflict> conflicts;
};
struct AssetCopy {
  std::string user;
  SessionId session;
  Timestamp timestamp;
};
struct Assets {
  std::optional<AskId> re;
  bool full = false;
  std::map<std::string, std::optional<AssetCopy>>
      items;  // nullopt, only when not full: nobody has it any more.
};
struct Camera {
  std::int64_t x = 0;
  std::int64_t y = 0;
};
struct User {
  SessionId session;
  std::string name;
  std::string host;
  bool shares = false;
  Timestamp joined;
  std::string at;
  Timestamp since;
  Camera camera;
  bool away = false;                // Its connection is lost, and it may come back. Said in answers only …
  std::uint64_t round_trip_us = 0;  // … like how long it takes there and back; 0: not measured yet.
};
struct UserLeft {
  SessionId session;
  std::string name;
  std::string reason;
};
struct Users {
  std::optional<AskId> re;
  bool full = false;
  std::vector<User> users;
  std::vector<UserLeft> left;
};
struct UserMessage {
  std::uint64_t number = 0;
  std::string user;
  std::string text;
  Timestamp timestamp;
};
struct Messages {
  std::optional<AskId> re;
  std::vector<UserMessage> messages;
  std::uint64_t last = 0;
};

// What somebody did that others may want to know later.
struct AuditEntry {
  std::uint64_t number = 0;
  Timestamp timestamp;
  std::string user;   // Empty: the operator of the server's machine, or nobody who is known.
  std::string what;   // "kick".
  std::string about;  // Whom or what it was done to.
  std::string key;    // Identity of the key of who did it.
  std::string from;   // Its address.
  std::string text;
};
struct AuditEntries {
  AskId re = 0;
  std::vector<AuditEntry> entries;  // Oldest first.
  std::uint64_t last = 0;           // The newest number there is.
};

}  // namespace callboard::protocol
