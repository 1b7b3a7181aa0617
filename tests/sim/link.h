#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "protocol/client_session.h"
#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/server_session.h"

// A server's and a client's session joined by two streams of bytes, in virtual time.
namespace callboard::protocol::sim {

using Random = std::mt19937_64;

// One direction of the connection: bytes arrive in order, in pieces of any size, after any delay.
class Wire {
 public:
  // Sends at `now`; cuts into pieces of 1 … `piece_max` bytes that arrive up to `delay_max` after one another.
  void send(const EncodedFrame& frame, Instant now, Random& random);
  std::optional<Instant> next_arrival() const;
  // The next piece; call at its arrival.
  Bytes receive();
  bool is_empty() const { return pieces_.empty(); }

  std::size_t piece_max = 1;
  Duration delay_max = 1ms;

 private:
  struct Piece {
    Instant arrival;
    Bytes bytes;
  };
  std::deque<Piece> pieces_;
  Instant last_arrival_{};
};

// Everything that was observed, for the checks.
struct Observed {
  std::map<AskId, int> answers;         // How often each ask was answered to its asker.
  std::map<AskId, bool> has_answer;     // Whether the last was an answer (not an error).
  std::vector<std::string> told;        // Items of the `at` tells, in order of arrival.
  std::vector<AskId> asked;             // In order of delivery to the server's owner.
  std::vector<std::string> violations;  // Of the turn, as a listener on the wire sees it.
  int server_joined = 0;
  int client_joined = 0;
  int server_closed = 0;
  int client_closed = 0;
  int beats = 0;  // Turns the server gave.
  std::string reasons;
};

struct LinkConfig {
  std::uint64_t seed = 0;
  bool visit = false;
  std::size_t piece_max = 1;
  Duration delay_max = 1ms;
  Duration work_max = 1ms;  // What the server's owner takes to admit, settle or answer.
};

class Link {
 public:
  explicit Link(LinkConfig config);

  // Runs whatever is due first; false when nothing is due before `until` (then it is that late).
  bool step(Instant until);
  void run_until(Instant until) {
    while (step(until)) {
    }
  }

  AskId ask(ClientMessage message);
  // Puts it into the mailbox, from where it is told when the server may.
  void tell(std::string item);
  void break_connection();
  // One side says bye.
  void leave(bool is_server);

  Instant now() const { return now_; }
  const Observed& observed() const { return observed_; }
  ServerSession& server() { return server_; }
  ClientSession& client() { return client_; }
  bool mailbox_is_empty() const { return mailbox_.empty(); }

 private:
  void pump();
  bool pump_server();
  bool pump_client();
  void perform(ServerAction action);
  void perform(ClientAction action);
  void deliver_to_server();
  void deliver_to_client();
  void watch(const ClientMessage& message);
  void watch(const ServerMessage& message);
  void later(std::function<void()> job);
  ServerMessage answer_to(const ClientMessage& ask);

  LinkConfig config_;
  Random random_;
  Instant now_{};
  ServerSession server_;
  ClientSession client_;
  Wire to_server_;
  Wire to_client_;
  FrameReader server_reader_{kFrameMax};
  FrameReader client_reader_{kFrameMax};
  std::multimap<Instant, std::function<void()>> jobs_;
  std::deque<std::string> mailbox_;
  bool connected_ = true;
  Observed observed_;

  // What a listener beside the server's socket knows of the turn. Bytes on their way count as heard when they arrive.
  enum class Holder { joining, client, server };
  Holder holder_ = Holder::joining;
};

}  // namespace callboard::protocol::sim
