#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/outbox.h"
#include "client/session_keeper.h"
#include "net/timer.h"

namespace callboard::client {

// Sends a client's writes, and has those that find no server, or lose it before they are answered, wait for one: written down
// in its folder, so that they are sent once, whatever becomes of the process. Who waits for the answer is told that it is
// kept when there was no server for a while. Without a folder, or when another program has it, writes wait in memory
// alone, like all asks. What is made of what its author wrote before (DocumentWrite::own) is sent when that is answered, and
// where that is refused it is, too, without being sent, unless a whole document has both. What is refused and nobody waits for is
// set aside in the folder. Client's thread only.
class KeptWrites {
 public:
  // How long a write waits for a server before it is told as kept: as long as a command looks for one; and until the first
  // join, with the first look at a folder in it, must have ended.
  static constexpr Duration kPatience = 1500ms;
  static constexpr Duration kFirstPatience = kHandshakeLimit + 5s;

  struct Handlers {
    std::function<void(std::string_view text)> on_warning;
    std::function<void(std::size_t count)> on_waiting;  // How many are kept now.
    // What a server answers when nobody waits for it any more is news.
    std::function<void(const protocol::ClientMessage& write, const protocol::ServerMessage& answer)>
        on_late_answer;
  };

  // `outbox` may be null.
  KeptWrites(net::Loop& loop, std::unique_ptr<Outbox> outbox, SessionKeeper& session, Handlers handlers);
  // Who waits for what is kept is told so; who waits for what was never asked, that there will be no answer (cancelled). What
  // was asked is the session's to answer.
  ~KeptWrites();
  KeptWrites(const KeptWrites&) = delete;
  KeptWrites& operator=(const KeptWrites&) = delete;

  // A DocumentWrite or MessageAsk. `on_kept` may be called once, and `on_answer` is, with the server's answer, or why there
  // will be none: what is kept then is sent by the next process. Without a server a document's content that is no JSON is
  // answered at once, Outcome::usage, and not kept.
  void write(protocol::ClientMessage message, Connection::AnswerHandler on_answer,
             std::function<void()> on_kept);

  // The operations on that document that are not answered yet, kOwnChangesMax of them at most, in their order: what is written
  // now is made of these (DocumentWrite::own).
  std::vector<UniqueId> unanswered(protocol::DocumentRecord record) const;

  // There is no server: none was found, or the connection was lost.
  void on_no_server();
  void on_joined();

 private:
  struct Open {
    protocol::ClientMessage message;
    Connection::AnswerHandler on_answer;
    std::function<void()> on_kept;
    Duration
        clock{};  // Its distance as it was written; of what a process before this one left, as it was read.
    bool is_kept = false;
    bool is_asked = false;        // Or is to be asked no more.
    bool waits_for_join = false;  // Kept, and asked in vain: once more then.
    std::optional<Instant>
        due{};  // To be told as kept, or, where it is not and is not asked either, as not answered.
  };
  using Write = std::shared_ptr<Open>;

  void send_left_behind();
  void keep(Open& open);
  void send_due();
  void send_those_due();
  void send(const Write& open);
  void on_answer(const Write& open, const Result<protocol::ServerMessage>& answer);
  void end(const Write& open, const Result<protocol::ServerMessage>& answer);
  std::vector<Write> made_of(UniqueId refused);
  void tell_kept(Open& open);
  bool set_aside(const protocol::ClientMessage& message, const Error& why);
  void tell_waiting() { handlers_.on_waiting(outbox_ ? outbox_->waiting().size() : 0); }
  void on_due();
  void set_timer();

  net::Loop& loop_;
  std::unique_ptr<Outbox> outbox_;
  SessionKeeper& session_;
  Handlers handlers_;
  std::deque<Write> open_;     // Not answered by a server yet, in the order in which they were written.
  bool is_missing_ = false;    // A server was looked for in vain since the last join.
  bool is_sending_ = false;    // send_due() is under way …
  bool is_due_again_ = false;  // … and was asked for again.
  net::Timer timer_;
};

}  // namespace callboard::client
