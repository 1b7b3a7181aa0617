#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "protocol/call_message.h"
#include "protocol/common_message.h"
#include "protocol/record_message.h"
#include "protocol/transfer_message.h"

// What the client says; see message.h.
namespace callboard::protocol {

// --- Said by the client: join and turn
struct Username {
  std::string name;
  Timestamp clock;
  bool visit = false;
  bool shares = false;
  std::string host;                       // Empty: not told.
  std::string software;                   // Empty: not told.
  std::optional<UniqueId> workstation{};  // The same in each session: it takes the place of one that has it.
  bool patches = false;                   // Understands documents told as JSON Patches.
  bool resumable = false;                 // Comes back when its connection is lost …
  std::optional<SessionId> resume{};      // … as this session,
  std::optional<UniqueId> secret{};       // with what proves it,
  std::uint64_t heard = 0;                // and the newest message that it has heard.
};
struct Project {
  std::string project;
};
// The client's side of the story and analytics exchanges of the join. `op` is there when `document` is.
struct DocumentClaim {
  DocumentRecord record = DocumentRecord::story;
  Timestamp timestamp;
  std::uint64_t base = 0;
  std::optional<UniqueId> op;
  Document document;
};
struct AssetsClaim {
  std::map<std::string, Timestamp> items;
};
struct JoinOk {};
struct TurnRequest {
  std::optional<Timestamp> clock{};
  bool speaks = false;  // What follows is said in that turn, without waiting for the server's `yours`.
};
// First frame of a data connection, sent in place of Username.
struct Ticket {
  UniqueId ticket;
};
// --- Said by the client: asks
struct DocumentRead {
  DocumentRecord record = DocumentRecord::story;
  AskId id = 0;
  std::optional<std::string> at{};  // Only what stands there.
  std::uint64_t revision = 0;       // As it was then; 0: as it is.
  std::uint64_t from = 0;           // As the difference from that revision; 0: itself.
  bool written = false;             // With all that its author wrote, though some or all of it did not stand.
};
// The document by itself; or what is said of it: at most one of `at`, `patch`, `restore` and `settles`.
struct DocumentWrite {
  DocumentRecord record = DocumentRecord::story;
  AskId id = 0;
  Timestamp timestamp;
  std::uint64_t base = 0;
  UniqueId op;
  Document document;
  std::optional<std::string> at{};  // `document` is what is to stand there.
  bool patch = false;               // `document` is a JSON Patch.
  std::uint64_t restore = 0;        // That revision's value once more; without a document.
  std::uint64_t settles = 0;  // The conflict of that number is over; a document is what is to stand there …
  bool take = false;          // … or, without one, the value that lost. Else what stands there stays.
  std::vector<UniqueId> own{};  // Made of `base` and these of the same author, which are answered.
};
struct HistoryAsk {
  AskId id = 0;
  DocumentRecord document = DocumentRecord::story;
  std::string at;            // Only what changed there.
  Timestamp since;           // Only from then on.
  std::uint64_t before = 0;  // Only revisions below; 0: the newest.
};
struct ConflictsAsk {
  AskId id = 0;
  std::uint64_t since = 0;
};
struct AssetsRead {
  AskId id = 0;
};
struct AssetsChange {
  AskId id = 0;
  std::map<std::string, std::optional<Timestamp>> items;  // nullopt: I have it no more.
};
struct AtAsk {
  AskId id = 0;
  std::string item;  // Empty: nowhere.
};
struct CameraAsk {
  AskId id = 0;
  std::int64_t x = 0;
  std::int64_t y = 0;
};
struct UsersAsk {
  AskId id = 0;
};
struct MessageAsk {
  AskId id = 0;
  std::string text;
  UniqueId op;
};
struct MessagesAsk {
  AskId id = 0;
  std::uint64_t since = 0;
};
struct StatusAsk {
  AskId id = 0;
};
struct AuditAsk {
  AskId id = 0;
  std::uint64_t since = 0;  // Only what has a greater number.
};
// A verb this version does not know, whose sender waits for an answer.
struct UnknownAsk {
  std::string verb;
  AskId id = 0;
};

// Its special members are compiled once, in variants.cpp: with so many alternatives they would cost every file seconds.
struct ClientMessage
    : std::variant<Username, Project, DocumentClaim, AssetsClaim, JoinOk, TurnRequest, Ticket, Yours, Bye,
                   DocumentRead, DocumentWrite, AssetsRead, AssetsChange, AtAsk, CameraAsk, UsersAsk,
                   MessageAsk, MessagesAsk, HistoryAsk, ConflictsAsk, GetAsk, CancelAsk, WorkingAsk,
                   StatusAsk, ChannelsAsk, ChannelAsk, RecordAsk, RecordsRead, EnterAsk, ExitAsk, SchemaAsk,
                   CallAsk, CallCancelAsk, CallsAsk, OfferAsk, CalledAsk, CallProgressed, AuditAsk,
                   UnknownAsk, UnknownTell> {
  using variant::variant;
  ClientMessage();
  ClientMessage(const ClientMessage&);
  ClientMessage(ClientMessage&&) noexcept;
  ClientMessage& operator=(const ClientMessage&);
  ClientMessage& operator=(ClientMessage&&) noexcept;
  ~ClientMessage();
};

}  // namespace callboard::protocol
