#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "net/loop.h"
#include "net/tcp_connection.h"
#include "protocol/frame.h"
#include "protocol/server_session.h"
#include "server/ask_cost.h"
#include "server/board/mailbox.h"
#include "server/deadlines.h"
#include "server/doorway.h"
#include "server/session_host.h"

namespace callboard::server {

// Whether it is still to be told after the connection was lost: not of transfers and of how far
// calls are, which are of the connection; and of the disk a join tells anew.
bool is_lasting(const protocol::ServerMessage& errand);

// One connection from its acceptance on: moves bytes between the socket and the protocol's machine and performs what the
// machine wants done. While the peer does not read (more than kUnsentBeforeHolding unsent), and while it is held back because
// it does too much, nothing more is read from it, told or answered. Who takes none of what is unsent for as long as the
// silence that ends a session is closed, also where they still speak. Loop thread only.
class Session {
 public:
  // `key` names this connection for as long as the server runs.
  Session(std::uint64_t key, std::unique_ptr<net::TcpConnection> connection,
          protocol::ServerSessionConfig config, SessionHost& host, Instant now);

  // Open: begins to speak. Keyed: waits for TLS and speaks beneath it; who comes without may only show a ticket.
  // Not in the constructor: the host must know the session.
  enum class Access { open, keyed };
  void start(Access access = Access::open);

  std::uint64_t key() const { return key_; }
  bool is_admitted() const { return static_cast<bool>(identity.id); }
  bool is_joined() const { return machine_.is_joined(); }
  bool is_over() const { return machine_.is_over(); }
  bool is_lost() const { return is_lost_; }  // Over, because the connection was.
  // The identity that it named in a TLS handshake, proven or not; empty: none that could be one.
  const std::string& tried_key() const { return tried_key_; }
  net::Endpoint peer() const { return connection_ ? connection_->peer() : net::Endpoint{}; }
  std::uint64_t sent_bytes() const { return connection_ ? connection_->sent_bytes() : 0; }
  std::uint64_t received_bytes() const { return connection_ ? connection_->received_bytes() : 0; }

  // See ServerSession; these perform at once what follows.
  void admit(protocol::Welcome welcome);
  void settle(protocol::DocumentState state);
  void settle(protocol::Assets assets);
  void answer(protocol::Answer&& answer);
  // What it asked for has cost so much besides (AskCost).
  void add_cost(std::uint64_t count);
  void close(Outcome outcome, std::string reason);
  void dismiss(Outcome outcome, std::string reason, std::string to = {});
  // Of memory: what it has not read yet, and what it is saying.
  std::uint64_t held_bytes() const;
  // Lets go of all of that and ends; who does not read is cut off without a word, and may come back.
  void let_go(const Error& why);

  // Whether a tell would reach the peer soon.
  bool may_tell() const;
  void tell(std::span<const protocol::EncodedFrame> frames);
  // Asks for a sign of life now; only when may_tell(). What comes of it is in Stage::on_clock().
  void ping();

  std::optional<Instant> next_deadline() const;
  void on_time(Instant now);
  void on_decoded(Result<protocol::ClientMessage> message);

  // --- A data connection, from on_ticket() on ---
  struct Released {
    net::ReleasedSocket socket;
    Bytes said;  // What the peer said after its ticket.
  };
  // Takes the socket out; the session is an empty shell from then on.
  Result<Released> release();
  bool is_released() const { return connection_ == nullptr; }
  void refuse_ticket(const Error& why);

  Caller as_caller;  // Who it is to what it calls.
  Identity& identity = as_caller.identity;
  std::set<std::string> channels;  // It offers, as long as this connection is there.
  Doorway::Place place;
  Deadlines::Watch watch;
  Mailbox mailbox;
  Mailbox heard;            // What the peer has heard for certain.
  bool is_resumed = false;  // Came back: it goes on from that.
  // What is told only to this session, bounded by kErrandsMax; and what of it was told and may not have been heard.
  std::vector<protocol::ServerMessage> errands;
  std::vector<protocol::ServerMessage> errands_unheard;

 private:
  // Before a turn that it did not wait for.
  struct Told {
    Mailbox mailbox;
    std::size_t errands = 0;  // So many of the unheard.
    bool is_unheard = false;
  };

  void on_turn_taken(bool has_heard);
  void on_heard();
  void on_bytes(ByteView bytes);
  void on_knock(ByteView bytes);
  void on_secured();
  void on_drained();
  void on_held_up();
  void on_ended(const Error& why);
  void read_frames(Instant now);
  void read(const protocol::FrameView& frame, Instant now);
  void hear(std::shared_ptr<protocol::ClientMessage> message, Instant now);
  void refuse(const Error& why, Instant now);
  void update_reading();
  void perform();
  void perform_all(Instant now);
  void perform(protocol::ServerAction& action);
  bool looks_unread(Instant now);
  std::optional<Instant> unread_deadline() const;
  void write(protocol::EncodedFrame frame);
  void write_answer(protocol::EncodedFrame frame);
  void end(const Error& why);
  void wait_with(ByteView bytes);
  bool is_holding() const;
  // Whether it may do this now. False: it has done too much for too long, and is over.
  bool keeps_pace(const AskCost& cost);
  Paces& paces();
  void share_turn();

  std::uint64_t key_;
  SessionHost& host_;
  std::unique_ptr<net::TcpConnection> connection_;
  protocol::ServerSession machine_;
  protocol::FrameReader reader_;
  Bytes said_;                        // By a data connection, beyond its ticket.
  std::uint64_t progress_bytes_ = 0;  // Sent when last looked at.
  // Of what the kernel had no room for nothing was taken since. Set while there is some.
  std::optional<Instant> unread_since_;
  bool has_held_back_ =
      false;  // So much was unsent when it was written that something may wait for it to go out.
  std::string tried_key_;
  std::optional<Instant> knock_deadline_;  // Set: it is not known yet whether TLS comes.
  std::unique_ptr<Paces> paces_;           // From the first thing on that counts.
  std::optional<Instant> held_until_;
  std::unique_ptr<Told> told_;  // Kept for its memory, until it waits for a turn again: an idle one has none.
  Instant performing_since_;
  bool is_performing_ = false;
  bool is_paused_ = false;
  bool is_decoding_ = false;  // A large frame is with a worker; what came after it waits.
  bool is_waiting_ = false;   // A data connection whose other side is still to come.
  bool is_closing_ = false;
  bool is_lost_ = false;
};

}  // namespace callboard::server
