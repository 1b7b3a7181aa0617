#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/access_key.h"
#include "net/loop.h"
#include "net/tcp_connection.h"
#include "net/timer.h"
#include "protocol/client_session.h"
#include "protocol/frame.h"

namespace callboard::client {

// A workstation with a key met a server without: it may be somebody who poses as the server.
Error open_with_key(const net::Endpoint& server);

// One session on one TCP connection: moves bytes between the socket and the ClientSession, which decides everything.
// Loop thread only. Handlers are called inside methods and may call methods, but must not destroy the connection: hand
// it to Loop::retire().
class Connection {
 public:
  // Everything but Send, Answered and Closed, which are performed here.
  using ActionHandler = std::function<void(protocol::ClientAction)>;
  // Once, after the last action and when the last words have gone out. The error is of the connection or of the peer's
  // making.
  using ClosedHandler = std::function<void(const Error& why)>;
  struct Handlers {
    ActionHandler on_action;
    ClosedHandler on_closed;
  };

  using AnswerHandler = std::function<void(Result<protocol::ServerMessage>)>;
  // Any number of times before the answer of a call.
  using ProgressHandler = std::function<void(const protocol::Document&)>;

  // With a key, which is never said, only to a server that has it, too: an open one is refused as an impostor would be.
  Connection(net::Loop& loop, const net::Endpoint& to, protocol::ClientIdentity identity, Handlers handlers,
             const std::optional<AccessKey>& key = std::nullopt);

  // `on_answer` is called exactly once, at the latest right before on_closed.
  void ask(protocol::ClientMessage message, AnswerHandler on_answer, ProgressHandler on_progress = {});
  void tell(protocol::CallProgressed progress);
  void claim(protocol::DocumentClaim claim);
  void claim(protocol::AssetsClaim claim);
  // Says `bye`; on_closed follows, at the latest when kFlushLimit is over.
  void close(Outcome outcome, std::string reason);

  const net::Endpoint& server() const { return server_; }
  // Where the server really is: the numeric address of the other end. Empty host until connected.
  net::Endpoint peer() const { return socket_->peer(); }
  bool is_joined() const { return session_.is_joined(); }
  // No more can be asked; on_closed was or will be called.
  bool is_over() const { return session_.is_over(); }
  // Over, because the server does not want this client back.
  bool is_for_good() const { return is_for_good_; }
  // … but at that address, HOST:PORT; empty: nowhere.
  const std::string& sent_to() const { return sent_to_; }
  // The join waits for our claim of the assets.
  bool wants_assets() const { return wants_assets_ && !session_.is_over(); }

 private:
  void on_bytes(ByteView bytes);
  void on_ended(const Error& why);
  void pump();
  void perform(protocol::ClientAction action);
  void answer(protocol::client_action::Answered answered);
  void on_progress(const protocol::CallProgress& progress);
  void send(const protocol::ClientMessage& message);
  void finish(Error why);

  net::Loop& loop_;
  net::Endpoint server_;
  Handlers handlers_;
  protocol::ClientSession session_;
  protocol::FrameReader reader_;
  struct Asked {
    AnswerHandler on_answer;
    ProgressHandler on_progress;
  };
  std::map<protocol::AskId, Asked> asks_;
  net::Timer deadline_;
  std::unique_ptr<net::TcpConnection> socket_;
  bool is_pumping_ = false;
  bool is_finished_ = false;
  bool is_connected_ = false;
  bool wants_assets_ = false;
  bool is_for_good_ = false;
  std::string sent_to_;
  std::optional<Error> end_;  // How the session ended; the connection may still have words to send.
};

}  // namespace callboard::client
