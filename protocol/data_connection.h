#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/result.h"
#include "protocol/codec.h"
#include "protocol/frame.h"

// How a workstation opens a transfer's connection (docs/protocol.md, 3):
//
//   server                client
//                 <-      ticket           at once
//   username?     ->                       may come before or after, and is skipped
//   ready         ->                       or `bye`
//   … bulk bytes, no longer ours …
namespace callboard::protocol {

// The start of a data connection, the client's half. After an error close the connection.
class DataConnection {
 public:
  enum class Step { awaiting_ready, finished };

  DataConnection(UniqueId ticket, Instant now) : ticket_(ticket), started_(now) {}

  // What to send at once.
  EncodedFrame opening() const;
  // True when the connection is the transfer's; what came after `ready` is then in take_rest(), and further bytes are
  // the owner's. Call no more after true.
  Result<bool> on_bytes(ByteView bytes);
  Bytes take_rest() { return reader_.take_rest(); }

  // The server holds a ticket's connection back until the other side is there, too, or kTicketLife is over; then it
  // says `bye`, for which there is as much time again as for a join.
  Instant deadline() const { return started_ + kTicketLife + kHandshakeLimit; }
  // The error to end with when the deadline has come.
  Result<void> on_time(Instant now) const;

  Step step() const { return step_; }

 private:
  Result<bool> on_message(const ServerMessage& message);

  UniqueId ticket_;
  Instant started_;
  Step step_ = Step::awaiting_ready;
  bool greeted_ = false;
  FrameReader reader_;
};

}  // namespace callboard::protocol
