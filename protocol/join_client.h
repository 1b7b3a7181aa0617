#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "protocol/client_action.h"
#include "protocol/state_exchange.h"

// The join, the client's half; the turns are drawn in join_server.h.
namespace callboard::protocol {

struct ClientIdentity {
  std::string name;
  std::string project;
  bool visit = false;
  bool shares = false;
  bool patches = false;  // See Username.
  std::string host;
  std::string software;
  std::optional<UniqueId> workstation;  // Of the folder that is shared.
  // The wall clock at the `now` of the session's constructor.
  Timestamp wall;
  bool resumable = false;  // See Username.
  struct Resume {
    SessionId session;
    UniqueId secret;
  };
  std::optional<Resume> resume{};  // The session that was lost.
  std::uint64_t heard = 0;         // The newest message it has heard.
};

// One deadline for the whole: ClientSession ends a join that takes longer than kHandshakeLimit.
// An error means that the server broke the rules and says how; end the session with it.
class JoinClient {
 public:
  enum class Step {
    awaiting_greeting,
    awaiting_project,
    awaiting_welcome,
    awaiting_exchange,
    awaiting_turn,
    finished
  };

  JoinClient(ClientIdentity identity, Instant started) : identity_(std::move(identity)), started_(started) {}

  Step step() const { return step_; }
  // What a join that takes too long was waiting for, for the reason of its end.
  std::string awaited() const;

  Result<std::vector<ClientAction>> on_message(ServerMessage message, Instant now);
  // Only when the exchange awaits our claim (ENSURE).
  ClientAction claim(DocumentClaim claim);
  ClientAction claim(AssetsClaim claim);

 private:
  Result<std::vector<ClientAction>> on_greeting(const ServerMessage& message, Instant now);
  Result<std::vector<ClientAction>> on_project(const ServerMessage& message);
  Result<std::vector<ClientAction>> on_welcome(ServerMessage message);
  Result<std::vector<ClientAction>> on_exchange(ServerMessage message);
  Result<std::vector<ClientAction>> on_turn(const ServerMessage& message);

  ClientIdentity identity_;
  Instant started_;
  Step step_ = Step::awaiting_greeting;
  UniqueId server_;
  std::optional<StateExchangeClient> exchange_;
};

}  // namespace callboard::protocol
