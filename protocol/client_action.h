#pragma once

#include <string>
#include <variant>

#include "base/error.h"
#include "base/result.h"
#include "protocol/message.h"

// What a ClientSession wants done. The owner performs actions in the order in which it takes them.
namespace callboard::protocol::client_action {

struct Send {
  ClientMessage message;
};
// The server let us in: session id, shown name, largest frame (for the FrameReader, too). The join goes on.
struct Admitted {
  Welcome welcome;
  UniqueId server{};  // Which run of it.
};
// The server has another project. Closed{refused} follows.
struct Refused {
  std::string project;
};
// The server wants our claim of this record. Answer with ClientSession::claim(), now or later (within the
// kHandshakeLimit of the join).
struct DocumentWanted {
  DocumentRecord record = DocumentRecord::story;
};
struct AssetsWanted {};
// How the arbitration of our claim ended.
struct DocumentSettled {
  DocumentState state;
};
struct AssetsSettled {
  Assets assets;
};
// The join is over: asks go out from here on.
struct Joined {};
// Something changed; a tell of section 2.5.
struct Told {
  ServerMessage message;
};
// Exactly once for every ask(). The error is the server's, or timed_out, or interrupted when the session ended first.
struct Answered {
  AskId id = 0;
  Result<ServerMessage> answer;
};
// The last action, and the only one of its kind (but for answers to asks that come after it): write what was sent
// before it, then close the connection.
struct Closed {
  Outcome outcome = Outcome::done;
  std::string reason;
  bool is_for_good = false;  // The server does not want this client to come back by itself.
  std::string to{};          // Where it sends this client, HOST:PORT; empty: nowhere.
};

}  // namespace callboard::protocol::client_action

namespace callboard::protocol {

// Its special members are compiled once, in variants.cpp: with so many alternatives they would cost every file seconds.
struct ClientAction
    : std::variant<client_action::Send, client_action::Admitted, client_action::Refused,
                   client_action::DocumentWanted, client_action::AssetsWanted, client_action::DocumentSettled,
                   client_action::AssetsSettled, client_action::Joined, client_action::Told,
                   client_action::Answered, client_action::Closed> {
  using variant::variant;
  ClientAction();
  ClientAction(const ClientAction&);
  ClientAction(ClientAction&&) noexcept;
  ClientAction& operator=(const ClientAction&);
  ClientAction& operator=(ClientAction&&) noexcept;
  ~ClientAction();
};

}  // namespace callboard::protocol
