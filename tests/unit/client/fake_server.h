#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/tcp_connection.h"
#include "net/tcp_listener.h"
#include "net/udp_socket.h"
#include "protocol/datagram.h"
#include "protocol/frame.h"
#include "protocol/message.h"

namespace callboard::client {

// A test that waits longer than this fails; none does when all is well.
inline constexpr auto kTestLimit = 20s;

// The other end of one session, as a test sees it.
struct FakeSession {
  std::unique_ptr<net::TcpConnection> connection;
  protocol::FrameReader reader;
  std::vector<protocol::ClientMessage> heard;  // Everything but the knock and turns.
  bool has_knocked = false;
  bool is_visit = false;
  bool is_joined = false;
  bool has_ended = false;
  int exchange = 0;

  // The last message of that kind, or null.
  template <class T>
  const T* last() const {
    for (auto it = heard.rbegin(); it != heard.rend(); ++it) {
      if (const T* found = std::get_if<T>(&*it)) return found;
    }
    return nullptr;
  }
};

// A server on loopback that joins whoever comes, gives the turn when it is asked for, and otherwise says only what a test
// tells it to.
class FakeServer {
 public:
  explicit FakeServer(net::Loop& loop);

  net::Endpoint at() const { return listener_->local(); }
  std::vector<std::unique_ptr<FakeSession>>& sessions() { return sessions_; }
  FakeSession& session(std::size_t index = 0) { return *sessions_.at(index); }
  bool has_joined(std::size_t index = 0) const {
    return sessions_.size() > index && sessions_[index]->is_joined;
  }
  static void say(FakeSession& to, const protocol::ServerMessage& message);

  bool is_other_project = false;
  bool greets = true;
  UniqueId run{1, 1};  // What it greets with.
  // Who says to come back gets this secret, and is its session again with it.
  std::optional<UniqueId> secret;
  protocol::DocumentState story;             // What there is.
  bool offers_assets = true;                 // false: stops before that exchange.
  std::vector<protocol::Assets> joins_find;  // One after the other; nothing after those.
  int joins_cut = 0;                         // So many end when nothing but the turn is left to be given.
  std::function<void(FakeSession&, const protocol::ClientMessage&)> on_ask;

 private:
  void on_connection(std::unique_ptr<net::TcpConnection> connection);
  void on_bytes(FakeSession& session, ByteView bytes);
  void on_message(FakeSession& session, protocol::ClientMessage message);
  void welcome(FakeSession& session);
  void offer_next(FakeSession& session);

  std::unique_ptr<net::TcpListener> listener_;
  std::vector<std::unique_ptr<FakeSession>> sessions_;
};

// Answers searches on a port of its own, for whoever asks 127.255.255.255.
class FakeAnnouncer {
 public:
  FakeAnnouncer(net::Loop& loop, std::vector<protocol::Announcement> says);
  std::uint16_t port() const { return socket_->local().port; }
  int searches() const { return searches_; }
  // The last of what it says is of a server that has that key, and shows it to whoever asks.
  std::optional<AccessKey> key;
  // To whatever question: the answer to another one, recorded earlier.
  std::optional<UniqueId> nonce;
  // What it says before, as it is: of others, whom somebody once heard.
  std::vector<std::string> lines;
  // What it says when it hears an abort, line by line. May be left empty.
  std::function<std::vector<std::string>(const protocol::Abort&)> on_abort;

 private:
  std::vector<protocol::Announcement> says_;
  std::unique_ptr<net::UdpSocket> socket_;
  int searches_ = 0;
};

protocol::Announcement announcement(const net::Endpoint& server, std::uint64_t id = 1);

}  // namespace callboard::client
