#pragma once

#include <memory>
#include <string>

#include "base/limits.h"
#include "client/access.h"
#include "client/agent_message.h"
#include "client/agent_place.h"

namespace callboard::client {

struct Options;
class Listener;

// Lets the commands of its user on this machine work through a client that is there already: its session, its index, its
// live tree. Listens on the socket of an AgentPlace, on a thread of its own; what a command asks goes to `access`, whose
// answers go back. A command that goes takes its pulls with it. Garbage ends its connection and nothing else. At most
// kCommandsMax connections; more are closed at once, and those commands go without an agent.
class Agent {
 public:
  static constexpr std::size_t kCommandsMax = 256;
  // How long an ask waits for a server while there is none: as long as a visit looks for one. While nothing was found to be
  // missing yet, as it is at the start, it waits until a join, with the first look at the folder in it, must have ended.
  static constexpr Duration kServerPatience = 1500ms;
  static constexpr Duration kFirstPatience = kHandshakeLimit + 5s;
  // How long one that ends waits for the asks of those that it has greeted, and for answers that are on their way: both come
  // within a millisecond, on a machine with nothing else to do.
  static constexpr Duration kFarewell = 50ms;

  // `access` must outlive it, and `listener` that; null: none. It is told what commands said and wrote in this session's name,
  // which the server tells everybody else; on the thread that brings the answers.
  Agent(AgentPlace place, agent::Hello hello, Access& access, Listener* listener = nullptr,
        Duration farewell = kFarewell);
  // Ends all connections after the farewell, and waits for its thread.
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // What it tells about a client with these options.
  static agent::Hello hello_of(const Options& options);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::client
