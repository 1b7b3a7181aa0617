#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"

// Every message of docs/protocol.md, sections 2 and 3. Limits of the fields are checked by codec.h when a
// message arrives, and by check() before one is sent that holds what a person typed.
namespace callboard::protocol {

// JSON text, never copied once it is here: told to a hundred sessions it is still one buffer. Null: no
// document.
using Document = std::shared_ptr<const std::string>;

// The two records that hold a document; their messages differ in the verb alone.
enum class DocumentRecord { story, analytics };

using AskId = std::uint32_t;
using TransferId = std::uint64_t;

// --- Said by both sides
// ---------------------------------------------------------------------------------------------
struct Yours {};
struct Bye {
  Outcome outcome = Outcome::done;
  std::string reason;
};
// A verb this version does not know, and that asks nothing: to be ignored.
struct UnknownTell {
  std::string verb;
};

// --- Said by the client: join and turn
// ------------------------------------------------------------------------------
struct Username {
  std::string name;
  Timestamp clock;
  bool visit = false;
  bool shares = false;
  std::string host;      // Empty: not told.
  std::string software;  // Empty: not told.
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
struct TurnRequest {};
// First frame of a data connection, sent in place of Username.
struct Ticket {
  UniqueId ticket;
};

// --- Said by the client: asks
// ---------------------------------------------------------------------------------------
struct DocumentRead {
  DocumentRecord record = DocumentRecord::story;
  AskId id = 0;
};
struct DocumentWrite {
  DocumentRecord record = DocumentRecord::story;
  AskId id = 0;
  Timestamp timestamp;
  std::uint64_t base = 0;
  UniqueId op;
  Document document;  // Never null.
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
// Exactly one of `user` and `newest` is set.
struct GetAsk {
  AskId id = 0;
  std::string user;
  bool newest = false;
  std::string item;
  bool list = false;
};
struct CancelAsk {
  AskId id = 0;
  TransferId transfer = 0;
};
struct StatusAsk {
  AskId id = 0;
};
// A verb this version does not know, whose sender waits for an answer.
struct UnknownAsk {
  std::string verb;
  AskId id = 0;
};

using ClientMessage =
    std::variant<Username, Project, DocumentClaim, AssetsClaim, JoinOk, TurnRequest, Ticket, Yours, Bye,
                 DocumentRead, DocumentWrite, AssetsRead, AssetsChange, AtAsk, CameraAsk, UsersAsk,
                 MessageAsk, MessagesAsk, GetAsk, CancelAsk, StatusAsk, UnknownAsk, UnknownTell>;

// --- Said by the server: join and data connection
// -------------------------------------------------------------------
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
};
struct WrongProject {
  std::string project;
};
struct DocumentOffer {
  DocumentRecord record = DocumentRecord::story;
};
struct AssetsOffer {};
struct Ready {};

// --- Said by the server: answers (`re` is set) and tells (it is not)
// ------------------------------------------------ Result in the join, answer to a read or a write, and tell.
struct DocumentState {
  std::optional<AskId> re;
  DocumentRecord record = DocumentRecord::story;
  Timestamp timestamp;
  std::uint64_t revision = 0;  // 0: there is no document yet; then `by` and `session` are empty.
  std::string by;
  SessionId session;
  bool won = false;
  Document document;
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

// --- Said by the server: answers only
// -------------------------------------------------------------------------------
struct Ok {
  AskId re = 0;
  std::optional<std::uint64_t> number;  // Of the message that was said.
};
struct ErrorAnswer {
  AskId re = 0;
  Outcome outcome = Outcome::failed;
  std::string text;
};
struct TransferGranted {
  AskId re = 0;
  TransferId transfer = 0;
  UniqueId ticket;
  std::string user;
  SessionId session;
};
struct TransferStatus {
  TransferId transfer = 0;
  std::string giver;
  std::string taker;
  std::string item;
  std::uint64_t bytes = 0;
  Timestamp started;
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
};
// An answer this version does not know: the ask it belongs to has failed.
struct UnknownAnswer {
  std::string verb;
  AskId re = 0;
};

// --- Said by the server: tells only
// ---------------------------------------------------------------------------------
struct AtTell {
  SessionId session;
  std::string user;
  std::string item;
  Timestamp since;
};
struct Give {
  TransferId transfer = 0;
  UniqueId ticket;
  std::string user;
  std::string item;
  bool list = false;
};
struct TransferOver {
  TransferId transfer = 0;
  Outcome outcome = Outcome::done;
  std::string text;
  std::uint64_t bytes = 0;
};

using ServerMessage =
    std::variant<Greeting, ProjectQuestion, Welcome, WrongProject, DocumentOffer, AssetsOffer, Ready, Yours,
                 Bye, DocumentState, Assets, Users, Messages, Ok, ErrorAnswer, TransferGranted, Status,
                 UnknownAnswer, AtTell, Give, TransferOver, UnknownTell>;

}  // namespace callboard::protocol
