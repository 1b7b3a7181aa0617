#pragma once

#include <memory>
#include <string>

#include "client/access.h"
#include "client/agent_message.h"
#include "client/agent_place.h"

namespace callboard::client {

struct Options;

// Lets the commands of its user on this machine work through a client that is there already: its session, its index, its
// live tree. Listens on the socket of an AgentPlace, on a thread of its own; what a command asks goes to `access`, whose
// answers go back. A command that goes takes its pulls with it. Garbage ends its connection and nothing else. At most
// kCommandsMax connections; more are closed at once, and those commands go without an agent.
class Agent {
 public:
  static constexpr std::size_t kCommandsMax = 256;
  // How long an ask waits for a server while there is none, e.g. in the first moments: as long as a visit looks for one.
  static constexpr Duration kServerPatience = 1500ms;

  // `access` must outlive it.
  Agent(AgentPlace place, agent::Hello hello, Access& access);
  // Ends all connections, and waits for its thread.
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
