#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "protocol/server_action.h"
#include "protocol/state_exchange.h"

// The join, the server's half (docs/protocol.md, 2.3):
//
//   server                                client
//   username?                     ->
//                                 <-      username            or `ticket`: a data connection
//   project?                      ->
//                                 <-      project
//   (the owner admits)
//   welcome                       ->                          or wrong_project, and over
//   story, assets, analytics      <->                         three exchanges, not with a visit (state_exchange.h)
//   yours                         ->
namespace callboard::protocol {

// One deadline for the whole: ServerSession ends a join that takes longer than its handshake limit.
// An error means that the client broke the rules and says how; end the session with it.
class JoinServer {
 public:
  enum class Step { awaiting_username, awaiting_project, awaiting_admission, awaiting_exchange, finished };

  struct Config {
    std::string project;
    UniqueId server;
    std::string software;
    Timestamp wall;  // At `started`.
    Instant started;
  };

  explicit JoinServer(Config config) : config_(std::move(config)) {}

  Step step() const { return step_; }
  // What a join that takes too long was waiting for, for the reason of its end.
  std::string awaited() const;

  ServerMessage greeting() const;
  // From here on anything but a ticket is refused.
  void require_key() { needs_key_ = true; }
  Result<std::vector<ServerAction>> on_message(ClientMessage message, Instant now);
  // Only in awaiting_admission (ENSURE). `welcome` is whole.
  std::vector<ServerAction> admit(Welcome welcome);
  // Only when the exchange awaits its winner (ENSURE).
  ServerAction settle(DocumentState state);
  ServerAction settle(Assets assets);

 private:
  bool awaits_client() const;
  Result<std::vector<ServerAction>> on_username(ClientMessage message, Instant now);
  Result<std::vector<ServerAction>> on_project(const ClientMessage& message);
  Result<std::vector<ServerAction>> on_exchange(ClientMessage message);
  std::vector<ServerAction> begin(SharedRecord record);
  std::vector<ServerAction> finish();

  Config config_;
  Step step_ = Step::awaiting_username;
  bool needs_key_ = false;
  server_action::Admission admission_;
  std::optional<StateExchangeServer> exchange_;
};

}  // namespace callboard::protocol
