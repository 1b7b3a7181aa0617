#pragma once

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"

// The turn (docs/protocol.md, 2.2), from the end of the join on:
//
//   server                                  client
//   yours                     ->            (has the turn)
//                             <-            asks …, yours            at once, and also when it has nothing to say
//   answers that are ready    ->
//   tells as they fall due    ->            (the server keeps the turn: an idle session is silent)
//                             <-            turn?, asks …, yours     when it wants to speak
//   yours                     ->
//   answers that are ready    ->
//
// The server gives the turn the moment it reads `turn?`, whatever it is still working on: an answer that waits for a slow
// disk comes in a later turn of the server's. So what follows `turn?` finds the turn given, and the client says it without
// waiting for the `yours` that tells so. Neither side ever waits for the other's work, only for its `yours`:
// - the client waits for `yours` before it asks for another turn; the server sends it at once;
// - the server waits for `yours` after `yours`; the client sends it at once, or has sent it;
// - both at once only where those cross, and then both are on their way.
// A `turn?` that crosses the server's `yours` reaches a server that has given the turn already. What follows it is said in that
// turn, and the `yours` that it crossed is the one that the client waits for.
namespace callboard::protocol {

struct TurnLimits {
  Duration heartbeat = kHeartbeat;
  Duration silence = kSilenceLimit;
};

// The server's half: who may speak, and what the clock demands. Begins with the client's turn.
class ServerTurn {
 public:
  enum class Step {
    awaiting_request,  // The server has the turn, until the client wants it or the heartbeat is due.
    awaiting_yours,    // The client has it.
  };
  enum class Due { nothing, heartbeat, silence };

  ServerTurn(TurnLimits limits, Instant now) : limits_(limits), last_heard_(now) {}

  Step step() const { return step_; }
  bool is_servers() const { return step_ == Step::awaiting_request; }
  Duration silence_limit() const { return limits_.silence; }

  // Any sign of life from the client.
  void on_heard(Instant now) { last_heard_ = now; }
  // The client said `turn?`. True: say `yours`, the turn is the client's now. False: it has it already.
  bool on_request();
  // The client said `yours`: the turn is the server's. Call only in the client's turn.
  void on_yours();

  // The heartbeat falls due when the client has said nothing for that long, not when nothing was told to it: a client
  // that is gone is noticed though it is told something every second.
  Instant deadline() const;
  // `heartbeat`: say `yours`, the turn is the client's now. `silence`: the client is gone.
  Due on_time(Instant now);

 private:
  TurnLimits limits_;
  Step step_ = Step::awaiting_yours;
  Instant last_heard_;
};

// The client's half. A client's turn is said within one event, so it only ever waits with the server holding the turn, or about to.
class ClientTurn {
 public:
  enum class Step {
    awaiting_news,   // The server has the turn and we want nothing.
    awaiting_yours,  // We said `turn?`, what we had to say, and `yours`.
  };

  ClientTurn(Duration silence, Instant now) : silence_(silence), last_heard_(now) {}

  Step step() const { return step_; }
  void on_heard(Instant now) { last_heard_ = now; }
  // Something waits to be said. True: say `turn?`, and it, and `yours`. False: after the `yours` that is awaited.
  bool request();
  // The server said `yours`. True: say what there is, and `yours`. False: that was done before.
  bool on_yours();

  Instant deadline() const { return last_heard_ + silence_; }
  bool is_silent(Instant now) const { return now >= deadline(); }

 private:
  Duration silence_;
  Step step_ = Step::awaiting_news;
  Instant last_heard_;
};

}  // namespace callboard::protocol
