#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/reused.h"
#include "protocol/join_server.h"
#include "protocol/server_action.h"
#include "protocol/server_asks.h"
#include "protocol/turn.h"

namespace callboard::protocol {

struct ServerSessionConfig {
  std::string project;
  UniqueId server;
  std::string software;
  // The wall clock at the `now` of the constructor; the client's clock is measured against it.
  Timestamp wall;
  std::uint64_t frame_max = kFrameMax;
  TurnLimits limits = {};
  Duration handshake_limit = kHandshakeLimit;
};

// The server's view of one connection, from the greeting to the end: the join, then turns, asks, answers and tells.
// Owned by the server's session; no I/O, no clock, no threads. The owner decodes frames into messages, hands them in with
// the time, and after every call takes actions until there are none; it may leave actions where they are while the peer
// does not read, which holds back the delivery of asks as well.
// Nothing a peer does is a bug here: everything wrong ends in one Closed with a reason. After Closed (or TicketShown)
// every call is permitted and does nothing.
// Limits: kAsksPerTurn asks and kUnansweredBytesMax of documents and items unanswered, kAnswersHeld answers held.
class ServerSession {
 public:
  enum class Step { awaiting_join, awaiting_request, awaiting_yours, over };

  // The first action is the greeting.
  ServerSession(ServerSessionConfig config, Instant now);

  std::optional<ServerAction> next_action();
  // Whether next_action() has one besides asks.
  bool has_actions() const { return actions_ != nullptr; }

  // The peer has no key and the server wants one: no greeting, and anything but a ticket is refused. Before the first action.
  void require_key();

  // --- What happens on the connection ---
  void on_message(std::shared_ptr<ClientMessage> message, Instant now);
  void on_message(ClientMessage&& message, Instant now) {
    on_message(std::make_shared<ClientMessage>(std::move(message)), now);
  }
  // A frame or message that FrameReader or decode_client() refused.
  void on_garbage(const Error& error);
  // Bytes of a frame that is not whole yet moved, in either direction: a large frame on a slow wire is not silence.
  void on_progress(Instant now);
  // The peer has taken none of so many bytes for silence_limit(), whatever it says: it counts as lost. Once is_joined().
  void on_not_read(std::uint64_t unsent_bytes);
  // The connection ended without `bye`; `error` says how.
  void on_disconnected(const Error& error);

  // --- What the owner decides ---
  // Answers Admission. `session`, `name` and `clock` are the owner's; the limits are filled in here. From here on the
  // peer may send frames of `frame_max`.
  void admit(Welcome welcome);
  // Answers DocumentClaimed or AssetsClaimed with the winner, `re` unset. The document is left out when it is the client's
  // `base` already: that is decided here, from the claim.
  void settle(DocumentState state);
  void settle(Assets assets);
  // Answers the ask whose id is `re`. Held while the client has the turn. Each ask is answered once (ENSURE).
  void answer(Answer&& answer);
  // Whether the server may tell something now; ask again on TurnTaken.
  bool may_tell() const;
  // Only when may_tell(). Without `re`.
  void tell(ServerMessage message);
  void tell(EncodedFrame frame);
  // Gives the client the turn, as a heartbeat does, to see how long it takes to come back. Only when may_tell().
  void ping(Instant now);
  // Says `bye` and closes, in whoever's turn.
  void close(Outcome outcome, std::string reason);
  // The same, and the client is not to come back by itself; but to join at `to`, unless that is empty.
  void dismiss(Outcome outcome, std::string reason, std::string to = {});

  // --- Time ---
  // nullopt when it is over.
  std::optional<Instant> next_deadline() const;
  void on_time(Instant now);

  Step step() const;
  bool is_joined() const { return turn_.has_value(); }
  // nullopt before the end of the join, which has a limit of its own.
  std::optional<Duration> silence_limit() const {
    return turn_ ? std::optional(turn_->silence_limit()) : std::nullopt;
  }
  bool is_over() const { return over_; }
  std::size_t unanswered() const { return asks_.unanswered(); }

 private:
  void turn_message(std::shared_ptr<ClientMessage> message);
  void on_request(const TurnRequest& request);
  void give_turn();
  void hear_clock(const std::optional<Timestamp>& clock, bool is_reply);
  void send_answers();
  server_action::SendEncoded next_answer();
  void take_turn();
  void perform(Result<std::vector<ServerAction>> actions);
  // `lost`: the connection is, and its session need not be.
  enum class Ending { meant, lost };
  void end_with(Error error, Ending ending = Ending::meant);
  void finish(Error error, Ending ending);

  struct Entrance {
    ServerSessionConfig config;
    JoinServer join;
  };

  std::unique_ptr<Entrance> entrance_;  // Until the join is over: an idle session has no use for it.
  std::optional<ServerTurn> turn_;      // From the end of the join on.
  ServerAsks asks_;
  // They are given out one by one.
  struct Answers {
    std::vector<EncodedFrame> frames;
    std::size_t sent = 0;
  };

  // What is to be done, in order; null: nothing.
  struct Actions {
    std::vector<std::variant<ServerAction, Answers>> all;
    std::size_t done = 0;  // So many of the first.

    void clear();
  };

  template <class T>
  void add(T&& action) {
    due().emplace_back(std::in_place_type<ServerAction>, std::forward<T>(action));
  }
  std::vector<std::variant<ServerAction, Answers>>& due();
  // The first has been done.
  void drop_action();

  Reused<Actions> actions_;
  Instant started_;
  Instant now_;
  std::optional<Instant> turn_given_;  // nullopt: its `yours` is no measure of the way.
  Instant clock_measured_;
  int turns_taken_ = 0;      // TurnTaken that the owner has not taken.
  bool has_spoken_ = false;  // In the turn that it has, or had last.
  bool has_waited_ = true;   // For that turn.
  bool over_ = false;
};

}  // namespace callboard::protocol
