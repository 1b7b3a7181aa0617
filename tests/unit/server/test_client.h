#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "net/loop.h"
#include "net/tcp_connection.h"
#include "protocol/codec.h"
#include "protocol/frame.h"

namespace callboard::server {

inline constexpr auto kPatience = 20s;  // Only a test that hangs ever reaches it.

// A workstation that speaks the protocol by hand, on the server's own loop.
class TestClient {
 public:
  TestClient(net::Loop& loop, const net::Endpoint& server,
             const std::optional<AccessKey>& key = std::nullopt);

  void say(const protocol::ClientMessage& message);
  void say_bytes(Bytes bytes);
  // Greeting to `yours`; the turn is handed over. Returns false when it was turned away.
  bool join(const std::string& name, bool shares = true, const std::string& project = "Moria's Race");
  std::string host;                     // Told when joining, or visiting, …
  std::optional<UniqueId> workstation;  // … and this when joining.
  bool resumable = false;
  std::map<std::string, Timestamp> items;  // Claimed when joining.
  // Joins as the session that `lost` was, with what it had heard.
  bool resume(const TestClient& lost, const std::string& asked_name, std::uint64_t heard_messages = 0);
  bool visit(const std::string& name);

  // What the server said next, of any kind; nullopt when the connection ended first.
  std::optional<protocol::ServerMessage> next();
  // The next of this kind; what is heard before it is kept in `heard`.
  template <class T>
  T expect() {
    for (;;) {
      auto message = next();
      if (!message) throw std::runtime_error("the connection ended");
      if (auto* wanted = std::get_if<T>(&*message)) return std::move(*wanted);
      heard.push_back(std::move(*message));
    }
  }
  // Takes the turn, asks, hands the turn back and waits for the answer.
  protocol::ServerMessage ask(protocol::ClientMessage message);
  template <class T>
  T ask_for(protocol::ClientMessage message) {
    auto answer = ask(std::move(message));
    if (auto* wanted = std::get_if<T>(&answer)) return std::move(*wanted);
    throw std::runtime_error("got another answer: " + std::string(protocol::verb_of(answer)));
  }
  // As many in a turn as may be, and waits for every answer: what is written so is on its way to the disk together.
  void ask_all(std::vector<protocol::ClientMessage> messages);
  // Whether so many users are here, some time: who left is until that is written down.
  bool comes_to_see(std::size_t users) {
    for (int asked = 0; asked < 10'000; ++asked) {
      if (ask_for<protocol::Users>(protocol::UsersAsk{}).users.size() == users) return true;
    }
    return false;
  }
  // Tells of this kind heard so far, and those that are told before an ask from now is answered.
  template <class T>
  std::vector<T> told() {
    static_cast<void>(ask(protocol::UsersAsk{}));
    std::vector<T> result;
    for (auto& message : heard) {
      if (auto* one = std::get_if<T>(&message)) result.push_back(*one);
    }
    return result;
  }

  void pause_reading() { connection_->pause_reading(); }
  void resume_reading() { connection_->resume_reading(); }
  void close() { connection_->close(); }
  bool is_ended() const { return is_ended_; }
  std::uint64_t received_bytes() const { return connection_->received_bytes(); }
  Error why_ended;
  // From `ready` on: a data connection.
  void become_data() { is_data_ = true; }
  void wait(const std::function<bool()>& condition);

  // What this workstation's clock says.
  Timestamp wall() const { return {system_clock().wall().ms + clock_skew_ms}; }

  bool patches = false;
  std::int64_t clock_skew_ms = 0;
  SessionId session;
  std::string name;
  std::optional<UniqueId> secret;  // The session's, from its first welcome on.
  protocol::Welcome welcome;
  protocol::Assets assets;  // As settled in the join.
  std::vector<protocol::ServerMessage> heard;
  std::string data;  // What came on a data connection after `ready`.

 private:
  void on_bytes(ByteView bytes);

  net::Loop& loop_;
  std::optional<SessionId> resumes_;
  std::uint64_t heard_messages_ = 0;
  protocol::FrameReader reader_{kFrameMax};
  std::vector<protocol::ServerMessage> arrived_;
  bool is_ended_ = false;
  bool is_data_ = false;
  std::uint32_t last_ask_ = 0;
  std::unique_ptr<net::TcpConnection> connection_;
};

}  // namespace callboard::server
