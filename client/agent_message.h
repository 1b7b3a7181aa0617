#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "client/types.h"

// What a command and the workstation's agent (the running `join`) say to each other on the socket in `.callboard`:
//
//     agent    hello
//     command  any number of asks, each with a number of its own; cancel ends one
//     agent    an answer to each ask, in any order; for a pull or a call progress before it
//
// Frames as on a session (protocol/frame.h), whose kind says what it is. Bodies are binary, fields in the order that
// agent_fields.h gives, because paths are any bytes and listings are long. Both ends are of one machine and mostly of one
// version: who hears a hello of another kProtocol says no more.
namespace callboard::client::agent {

// Counts up whenever a field or a message changes.
inline constexpr std::uint32_t kProtocol = 15;

using AskId = std::uint32_t;

enum class Frame : std::uint8_t {
  hello = 1,      // Hello
  answer,         // id, true and the answer, or false and an Error
  progress,       // id, PullProgress
  cancel,         // id
  call_progress,  // id, JSON
  ask = 16,       // Ask's first alternative, and so on: id, the ask
};

// What an agent takes: a document and its ask. Asks of one connection that are unanswered at a time.
inline constexpr std::uint64_t kAskFrameMax = kFrameMax + 64 * KiB;
inline constexpr std::size_t kAsksMax = 64;
// What a command takes: the listing of a folder with a million entries.
inline constexpr std::uint64_t kAnswerFrameMax = 1024 * MiB;

// Whom one speaks through, as it was told to be.
struct Hello {
  std::uint32_t protocol = kProtocol;
  std::string software = {};  // "callboard 1.2.0"
  std::uint64_t process = 0;
  std::string project = {};
  std::string user = {};
  std::string server = {};  // As it was given; empty: it found one by itself.
  std::uint16_t discovery_port = 0;
  std::vector<std::string> ask_addresses = {};
  std::string key = {};  // The identity of its key; empty: it has none.
};

struct ReadDocument {
  using Reply = Document;
  DocumentQuery query;
};
struct ChangeDocument {
  using Reply = WriteResult;
  DocumentChange change;
};
struct ListHistory {
  using Reply = History;
  HistoryQuery query;
};
struct ListConflicts {
  using Reply = std::vector<Conflict>;
  std::uint64_t since = 0;
};
struct ListAssets {
  using Reply = Assets;
};
struct ListUsers {
  using Reply = std::vector<User>;
};
struct ListMessages {
  using Reply = std::vector<Message>;
  std::uint64_t since = 0;
};
struct Say {
  using Reply = std::uint64_t;
  std::string text;
};
struct GoTo {
  using Reply = bool;
  std::string item;
};
struct ReadRecords {
  using Reply = std::vector<Record>;
  std::string zone;
};
struct ChangeRecord {
  using Reply = std::uint64_t;
  RecordChange change;
};
struct AskServer {
  using Reply = ServerStatus;
};
struct AskWorkstation {
  using Reply = WorkstationStatus;
};
struct Look {
  using Reply = std::vector<LookEntry>;
  std::string item;
  std::string from;
};
struct ListAudit {
  using Reply = std::vector<AuditEntry>;
  std::uint64_t since = 0;
};
struct Pull {
  using Reply = PullReport;
  PullRequest request;
};

struct MakeCall {
  using Reply = std::string;
  std::string name;
  std::string arguments;
  Duration deadline{};
  UniqueId op;
};
struct ListCalls {
  using Reply = std::string;
};

using Ask = std::variant<ReadDocument, ChangeDocument, ListHistory, ListConflicts, ListAssets, ListUsers,
                         ListMessages, Say, GoTo, AskServer, AskWorkstation, Look, Pull, MakeCall, ListCalls,
                         ListAudit, ReadRecords, ChangeRecord>;

}  // namespace callboard::client::agent
