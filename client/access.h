#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/id.h"
#include "client/answer.h"
#include "client/call_types.h"
#include "client/types.h"

namespace callboard::client {

// A pull under way.
class Transfer {
 public:
  virtual ~Transfer() = default;
  virtual PullProgress progress() const = 0;  // Thread: any.
  virtual void cancel() = 0;                  // Thread: any. The answer then is Outcome::cancelled.
  virtual Answer<PullReport> report() const = 0;
};

// What a command asks of its project, whoever carries it out: a Client of its own, or the workstation's agent (AgentClient).
// Every method is safe from any thread; every answer comes.
class Access {
 public:
  virtual ~Access() = default;

  virtual Answer<Document> read(DocumentQuery query) = 0;
  // Answered when the server has it on disk, or, where there is none, when it is kept. Content is any JSON text up to kFrameMax.
  virtual Answer<WriteResult> change(DocumentChange change) = 0;
  virtual Answer<History> history(HistoryQuery query) = 0;
  // At most 100, those after number `since`.
  virtual Answer<std::vector<Conflict>> conflicts(std::uint64_t since) = 0;
  virtual Answer<Assets> assets() = 0;
  virtual Answer<std::vector<User>> users() = 0;
  virtual Answer<std::vector<Message>> messages(std::uint64_t since) = 0;
  virtual Answer<std::uint64_t> say(std::string text) = 0;  // The message's number; 0: it is kept.
  virtual Answer<bool> at(std::string item) = 0;            // "" for nowhere.
  virtual Answer<ServerStatus> status() = 0;
  // At most 100, oldest first, those after number `since`. Takes the permission `audit`.
  virtual Answer<std::vector<AuditEntry>> audit(std::uint64_t since) = 0;
  // Known without asking the server.
  virtual Answer<WorkstationStatus> workstation() = 0;

  // Calls what the server, its plugins and tasks, or other workstations offer. `arguments` is JSON: an object of named ones, or
  // an array in their order; "" for none. The answer is the result as JSON, when the work is done.
  virtual Answer<std::string> call(std::string name, std::string arguments, CallOptions options) = 0;
  // Ends the call that was begun with this op: it answers Outcome::cancelled, unless its answer is on its way.
  virtual void cancel_call(UniqueId op) = 0;
  // What can be called: a JSON array of descriptions (docs/protocol.md, 2.8).
  virtual Answer<std::string> calls() = 0;

  virtual std::shared_ptr<Transfer> pull(PullRequest request) = 0;
  // What `from` has at `item`: the item itself for a file, its entries for a directory. Downloads nothing.
  virtual Answer<std::vector<LookEntry>> look(std::string item, std::string from) = 0;

  // Ends what is under way, calls included, with Outcome::cancelled, and everything asked later.
  virtual void leave() = 0;
};

}  // namespace callboard::client
