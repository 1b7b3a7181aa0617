#pragma once

#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"

namespace callboard::client {

// The right to be the agent of a project folder: `.callboard/agent.lock`, locked, and the socket `.callboard/agent.sock` that
// commands connect to. One process has it at a time; the kernel takes it back when that ends, however it ends, so a socket
// that lies there without a lock is a dead agent's and is replaced. Let go by the destructor.
class AgentPlace {
 public:
  static constexpr const char* kSocket = "agent.sock";
  static constexpr const char* kLock = "agent.lock";

  // Outcome::locked names the process that has it. Other errors: there can be no agent here (the folder cannot be written).
  static Result<AgentPlace> take(const std::string& folder);
  ~AgentPlace();
  AgentPlace(AgentPlace&&) noexcept = default;
  AgentPlace& operator=(AgentPlace&&) = delete;

  // Where commands come in, once.
  Fd take_listening() { return std::move(listening_); }

 private:
  AgentPlace(Fd directory, Fd lock, Fd listening)
      : directory_(std::move(directory)), lock_(std::move(lock)), listening_(std::move(listening)) {}

  Fd directory_;
  Fd lock_;
  Fd listening_;
};

}  // namespace callboard::client
