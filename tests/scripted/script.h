#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "protocol/client_session.h"
#include "protocol/server_session.h"

// What the scripts share: sessions brought to a step, actions as words, and one message of every kind.
namespace callboard::protocol::script {

using Words = std::vector<std::string>;

inline const Instant kStart{};

// Takes all actions there are. "send yours", "send ok re=7", "send story with document", "admission rigging",
// "claimed story", "asked users 7", "joined", "turn taken", "ticket", "closed refused".
Words drain(ServerSession& session);
// "send username", "admitted rigging", "wanted story", "settled assets", "told users", "answered 7 ok",
// "answered 7 timed_out", "refused", "joined", "closed done".
Words drain(ClientSession& session);

// What frames say that are sent as one.
std::vector<ServerMessage> messages_of(const EncodedFrame& frames);

// The reason in the Closed among the actions there are; takes them all.
std::string reason_of_end(ServerSession& session);
std::string reason_of_end(ClientSession& session);

// One message of every kind that side may ever say.
std::vector<ClientMessage> every_client_message();
std::vector<ServerMessage> every_server_message();

// --- The server's side ---
ServerSession fresh_server();
Username username(bool visit = false);
Welcome welcome();
DocumentClaim document_claim(DocumentRecord record);
DocumentState document_state(DocumentRecord record);
Assets all_assets();
Status status_answer(AskId re);

// The steps of a server session in the order of a happy script. `enter` continues from the step before it.
struct ServerStep {
  const char* name;
  void (*enter)(ServerSession& session, Instant now);
  // Whether the session goes on after that message.
  bool (*is_right)(const ClientMessage& message);
};
const std::vector<ServerStep>& server_steps();
// A session at that step, its actions taken.
ServerSession server_at(std::size_t step, Instant now = kStart);
std::size_t server_step(const std::string& name);

// --- The client's side ---
ClientSession fresh_client(bool visit = false);
struct ClientStep {
  const char* name;
  void (*enter)(ClientSession& session, Instant now);
  bool (*is_right)(const ServerMessage& message);
};
const std::vector<ClientStep>& client_steps();
ClientSession client_at(std::size_t step, Instant now = kStart);
std::size_t client_step(const std::string& name);

}  // namespace callboard::protocol::script
