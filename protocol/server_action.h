#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/error.h"
#include "base/id.h"
#include "protocol/codec.h"
#include "protocol/message.h"

// What a ServerSession wants done. The owner performs actions in the order in which it takes them.
namespace callboard::protocol::server_action {

struct Send {
  ServerMessage message;
};
// The same for what is encoded already: answers, small ones together, or what was told to many sessions.
struct SendEncoded {
  EncodedFrame frame;
  bool is_answer = false;
};
// The connection is a transfer's, not a session's. The machine is over; no Closed follows.
struct TicketShown {
  UniqueId ticket;
};
// Somebody with the right project wants in. Answer with ServerSession::admit(), or close().
struct Admission {
  std::string name;
  bool visit = false;
  bool shares = false;
  bool patches = false;
  std::string host;
  std::string software;
  std::optional<UniqueId> workstation;  // Never a visit's.
  bool resumable = false;
  // Which session it says to be, and what it has heard of that one.
  std::optional<SessionId> resume;
  std::optional<UniqueId> secret;
  std::uint64_t heard = 0;
  // Server's clock minus client's: add it to a timestamp of the client's to get the server's time of it.
  std::chrono::milliseconds clock_offset{0};
};
// The client's side of an exchange of the join. Answer with ServerSession::settle(), when it is on disk.
struct DocumentClaimed {
  DocumentClaim claim;
};
struct AssetsClaimed {
  AssetsClaim claim;
};
// What the client's clock says.
struct ClockTold {
  Timestamp clock;
  std::optional<Duration> round_trip{};  // Since the client was asked; nullopt: it said so by itself.
  bool is_ping = false;                  // … and it said nothing else: that is how long the way takes.
};
// The join is over: tells and asks from here on.
struct Joined {};
// The server has the turn again: what waited in the mailbox may be told now.
struct TurnTaken {
  // The client waited for that turn, and so has heard what was told before it; else Heard says when.
  bool has_heard = true;
};
// The client has heard what was told before the last turn that it had.
struct Heard {};
// Answer with ServerSession::answer(), any time, in any order.
struct Asked {
  std::shared_ptr<ClientMessage>
      ask;  // The owner's alone. A message has many members: it is not moved from hand to hand.
};
// How far a call is that the client carries out. Nobody answers.
struct Reported {
  CallProgressed progress;
};
// The last action, and the only one of its kind: write what was sent before it, then close the connection.
struct Closed {
  Outcome outcome = Outcome::done;
  std::string reason;
  bool is_lost = false;  // The connection was, and nobody wanted the session to end.
};

}  // namespace callboard::protocol::server_action

namespace callboard::protocol {

// Its special members are compiled once, in variants.cpp: with so many alternatives they would cost every file seconds.
struct ServerAction
    : std::variant<server_action::Send, server_action::SendEncoded, server_action::TicketShown,
                   server_action::Admission, server_action::DocumentClaimed, server_action::AssetsClaimed,
                   server_action::Joined, server_action::TurnTaken, server_action::Heard,
                   server_action::ClockTold, server_action::Asked, server_action::Reported,
                   server_action::Closed> {
  using variant::variant;
  ServerAction();
  ServerAction(const ServerAction&);
  ServerAction(ServerAction&&) noexcept;
  ServerAction& operator=(const ServerAction&);
  ServerAction& operator=(ServerAction&&) noexcept;
  ~ServerAction();
};

}  // namespace callboard::protocol
