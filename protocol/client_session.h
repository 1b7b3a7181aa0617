#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "protocol/client_action.h"
#include "protocol/client_asks.h"
#include "protocol/join_client.h"
#include "protocol/turn.h"

namespace callboard::protocol {

// The client's view of one connection: joins, then asks when it has something to ask and hands what it is told to its
// owner, who never sees a turn. No I/O, no clock, no threads. The owner decodes frames into messages, hands them in with
// the time, and after every call takes actions until there are none.
// Everything wrong ends in one Closed with a reason; after it every call is permitted and does nothing, but that an
// ask() is answered as interrupted. Every ask is answered exactly once.
class ClientSession {
 public:
  enum class Step { awaiting_join, awaiting_news, awaiting_yours, over };

  ClientSession(ClientIdentity identity, Instant now);

  std::optional<ClientAction> next_action();

  // --- What happens on the connection ---
  void on_message(ServerMessage message, Instant now);
  // A frame or message that FrameReader or decode_server() refused.
  void on_garbage(const Error& error);
  // Bytes of a frame that is not whole yet moved, in either direction: a large frame on a slow wire is not silence.
  void on_progress(Instant now);
  // The connection ended without `bye`; `error` says how.
  void on_disconnected(const Error& error);

  // --- What the owner wants ---
  // Answer DocumentWanted and AssetsWanted. A claim of nothing has no document, or no items.
  void claim(DocumentClaim claim);
  void claim(AssetsClaim claim);
  // Any moment, from the constructor on; `message` is one of section 2.4, its id is overwritten. Answered within
  // kAskLimit. A document that the server's `frame_max` cannot hold is answered with an error at once.
  AskId ask(ClientMessage message, Instant now);
  // Said in the next turn of ours, before what is asked; of each call the newest. Nobody answers. Nothing before the join.
  void tell(CallProgressed progress);
  // Says `bye` and closes, in whoever's turn.
  void close(Outcome outcome, std::string reason);

  // --- Time ---
  // nullopt when it is over.
  std::optional<Instant> next_deadline() const;
  void on_time(Instant now);

  Step step() const;
  bool is_joined() const { return turn_.has_value(); }
  bool is_over() const { return over_; }
  std::size_t unanswered() const { return asks_.unanswered(); }

 private:
  static std::uint64_t document_max(std::uint64_t frame_max);
  void turn_message(ServerMessage message);
  void on_yours();
  void request_turn();
  void speak();
  void perform(Result<std::vector<ClientAction>> actions);
  void apply(const Welcome& welcome);
  void end_with(Error error);
  void finish(Error error, bool is_for_good = false, std::string to = {});
  void push(std::vector<client_action::Answered> answers);

  JoinClient join_;
  std::optional<ClientTurn> turn_;  // From the end of the join on.
  ClientAsks asks_;
  std::map<CallId, Document> progress_;  // To be told.
  std::deque<ClientAction> actions_;
  Instant started_;
  Instant now_;
  Duration silence_ = kSilenceLimit;
  std::uint64_t document_max_ = document_max(kFrameMax);
  bool over_ = false;
  std::string end_reason_;
};

}  // namespace callboard::protocol
