#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "protocol/call_message.h"
#include "protocol/common_message.h"
#include "protocol/record_message.h"
#include "protocol/state_message.h"
#include "protocol/transfer_message.h"

// What the server says; see message.h.
namespace callboard::protocol {

// --- Said by the server: join and data connection
struct Greeting {  // username?
  std::uint32_t proto = 1;
  std::string software;
  UniqueId server;
};
struct ProjectQuestion {};  // project?
struct Welcome {
  SessionId session;
  std::string name;  // As shown to others.
  Timestamp clock;
  std::uint64_t frame_max = 0;
  std::chrono::milliseconds heartbeat{0};
  std::chrono::milliseconds silence{0};
  // What a session that comes back shows; none when it is one that does not, or has come back.
  std::optional<UniqueId> secret{};
  std::chrono::milliseconds grace{0};  // For how long it may be away.
  bool resumed = false;                // It is the session that it was.
  std::optional<UniqueId> schema{};    // Of the records' classes: equal for equal ones.
};
struct WrongProject {
  std::string project;
};
struct DocumentOffer {
  DocumentRecord record = DocumentRecord::story;
};
struct AssetsOffer {};
struct Ready {};

// --- Said by the server: answers only
struct Ok {
  AskId re = 0;
  std::optional<std::uint64_t> number;  // Of the message that was said.
};
struct ErrorAnswer {
  AskId re = 0;
  Outcome outcome = Outcome::failed;
  std::string text;
};
struct Status {
  AskId re = 0;
  std::string project;
  UniqueId server;
  std::string software;
  Timestamp started;
  Timestamp clock;
  std::uint64_t sessions = 0;
  std::uint64_t visits = 0;
  std::uint64_t revision = 0;
  std::uint64_t connections = 0;
  std::vector<TransferStatus> transfers;
  std::uint64_t memory = 0;
  std::uint64_t away = 0;  // Sessions whose connection is lost and that may come back; not among `sessions`.
  std::string read_only;   // Why changes are refused; empty: they are not.
};
// An answer this version does not know: the ask it belongs to has failed.
struct UnknownAnswer {
  std::string verb;
  AskId re = 0;
};

// --- Said by the server: tells only
struct AtTell {
  SessionId session;
  std::string user;
  std::string item;
  Timestamp since;
};
// The server's disk: takes no writes, and why; or takes them again.
struct Writable {
  bool writable = false;
  std::string text;
};
// The server lets nobody in, and why; or lets people in again.
struct Admitting {
  bool admitting = false;
  std::string text;
};
// The session does more than it may a second, and will be held back to that.
struct Slower {
  std::string what;  // "writes" or "messages".
  std::uint64_t per_second = 0;
};

// Its special members are compiled once, in variants.cpp: with so many alternatives they would cost every file seconds.
struct ServerMessage
    : std::variant<Greeting, ProjectQuestion, Welcome, WrongProject, DocumentOffer, AssetsOffer, Ready, Yours,
                   Bye, DocumentState, Revisions, Conflicts, Assets, Users, Messages, Records, Ok,
                   ErrorAnswer, TransferGranted, ChannelGranted, Status, CallResult, CallList, AuditEntries,
                   UnknownAnswer, AtTell, Writable, Admitting, Slower, Give, ChannelTell, TransferOver,
                   CallProgress, CallTell, CallCancelTell, UnknownTell> {
  using variant::variant;
  ServerMessage();
  ServerMessage(const ServerMessage&);
  ServerMessage(ServerMessage&&) noexcept;
  ServerMessage& operator=(const ServerMessage&);
  ServerMessage& operator=(ServerMessage&&) noexcept;
  ~ServerMessage();
};

}  // namespace callboard::protocol
