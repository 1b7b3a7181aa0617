#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/id.h"
#include "net/loop.h"
#include "protocol/message.h"
#include "server/calls/call_registry.h"

namespace callboard::server {

class Session;

// Calls that clients offer: "open_shot" is carried out by whoever of those that offer it has the least to do,
// "open_shot@node-7" by that one. They go with the connection, and what it was doing is answered as interrupted then.
// Loop thread only.
class ClientCalls {
 public:
  struct Outside {
    std::function<Session*(SessionId id)> by_id;
    std::function<void(std::uint64_t key)> due;  // Somebody has something on their errands.
  };
  ClientCalls(CallRegistry& registry, Outside outside) : registry_(registry), outside_(std::move(outside)) {}

  // All that this session offers from now on; what is under way goes on.
  Result<void> offer(const Session& session, const protocol::OfferAsk& ask);
  // How a call ended that it was given.
  Result<void> on_called(const Session& session, const protocol::CalledAsk& ask);
  void on_progress(const Session& session, const protocol::CallProgressed& progress);
  // Its connection is gone.
  void leave(SessionId session);

 private:
  struct Offer {
    std::string user;
    std::vector<std::string> names;
    std::size_t running = 0;
    std::uint64_t last_given = 0;
  };
  struct Given {
    SessionId to;
    std::shared_ptr<CallRun> run;
  };
  // Those who offer a call of one name, all with the same description.
  struct Group {
    std::string description;  // As JSON.
    std::vector<SessionId> by;
  };

  Result<std::vector<CallDescription>> checked(const Session& session, const protocol::OfferAsk& ask) const;
  // False: there are too many calls.
  bool add(SessionId session, const CallDescription& description);
  void withdraw(SessionId session);
  LaterRun run_by(SessionId session, const std::string& name);
  SessionId least_busy(const std::string& name) const;
  void give(SessionId to, const std::string& name, const Caller& caller, const CallArguments& arguments,
            std::shared_ptr<CallRun> run);
  void on_nobody_waits(std::uint64_t call);
  std::shared_ptr<CallRun> take(std::uint64_t call);

  CallRegistry& registry_;
  Outside outside_;
  std::map<SessionId, Offer> offers_;
  std::map<std::string, Group> groups_;
  std::map<std::uint64_t, Given> given_;
  std::uint64_t last_call_ = 0;
};

}  // namespace callboard::server
