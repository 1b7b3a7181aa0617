#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "net/tcp_connection.h"
#include "net/work_queue.h"
#include "server/ask_desk.h"
#include "server/away.h"
#include "server/deadlines.h"
#include "server/doorway.h"
#include "server/floor.h"
#include "server/idle_memory.h"
#include "server/lock_desk.h"
#include "server/people.h"
#include "server/ping_desk.h"
#include "server/session.h"
#include "server/session_book.h"
#include "server/stage_options.h"

namespace callboard::server {

// All connections of a server: lets them in, brings their claims and asks to where they are decided, tells each what is
// due to it once per turn of the loop, and sees every one of them off exactly once. Loop thread only.
class Stage final : private SessionHost {
 public:
  using Options = StageOptions;
  Stage(net::Loop& loop, Options options, const Clock& clock, RandomSource random, EventLog& events,
        std::unique_ptr<Log> log, Recovered recovered);
  ~Stage() override;
  void accept(std::unique_ptr<net::TcpConnection> connection);
  TransferDesk& transfers() { return transfers_; }
  People& people() { return people_; }
  CallDesk& calls() { return calls_; }
  RecordDesk& records() { return record_desk_; }
  // The board's database is (see Records).
  void on_broken(const Error& why) { records_.on_broken(why); }
  // Nobody comes in from now on, for this reason, or people do again (null); those who are in are told.
  void shut(const Error* why);
  // Ends the connection that takes most memory for what it has to read and is saying, if any takes much.
  void end_largest();
  // Nobody is let in any more. Says `bye` to all, when what is being written down is answered, ends all transfers, writes
  // everything out; then calls `done`, once.
  void stop(Outcome outcome, const std::string& reason, std::function<void()> done);

 private:
  std::optional<Secret> find_secret(std::string_view identity) override;
  void on_ticket(Session& session, UniqueId ticket) override;
  void on_admission(Session& session, const protocol::server_action::Admission& asked) override;
  void on_document_claimed(Session& session, protocol::DocumentClaim claim) override;
  void on_assets_claimed(Session& session, const protocol::AssetsClaim& claimed) override;
  void on_joined(Session& session) override;
  void on_clock(Session& session, const protocol::server_action::ClockTold& told) override;
  void on_may_tell(Session& session) override;
  void on_asked(Session& session, protocol::ClientMessage&& ask) override;
  void on_reported(Session& session, const protocol::CallProgressed& progress) override;
  void on_deadline(Session& session) override;
  void on_large_frame(Session& session, protocol::FrameView frame, Bytes bytes) override;
  Pacing& pacing() override { return pacing_; }
  void on_over(Session& session, const Error& why) override;
  void on_closed(Session& session) override;

  struct Views;  // What its parts see of it (stage_views.h).
  void add_calls();
  Session* by_key(std::uint64_t key) const;
  Session* by_id(SessionId id) const;
  std::optional<Identity> identity_of(SessionId id) const;  // Of one who is here or away, as of now.
  Counts counts() const;
  void open(Session& session, const protocol::server_action::Admission& admission);
  void note_opened(const Session& session, const std::string& software);
  void welcome(Session& session, bool is_resumable);
  void leave(Session& session, const Error& why);
  void depart(const Identity& identity, const Error& why);  // Told as left once the book has it no more.
  void finish_departure(SessionId id);
  bool is_leaving(const std::string& asked_name) const;
  // --- Sessions that come back (stage_away.cpp) ---
  bool may_come_back(const Session& session) const;
  void go_away(Session& session, const Error& why);
  void depart_away(const Away& away, const Error& why);
  void end_away(const std::function<bool(const Identity&)>& is_meant, const Error& why);
  void on_away_due();
  void set_away_timer();
  bool resume(Session& session, const protocol::server_action::Admission& admission);  // Else it is new.
  std::optional<Away> take_over(SessionId id, const Sha256& secret);
  bool is_of_key(SessionId id, const std::string& key) const;
  void restore();  // Those of the server before this one are away, and expected.
  void on_settled(SessionId session);
  bool is_settling() const { return !expected_.empty(); }
  Bytes kept_now() const;
  std::vector<protocol::ServerMessage>* errands_of(SessionId session);
  void end_predecessor(const protocol::server_action::Admission& joining, const std::string& key);
  void on_records_changed();
  void on_writable(const Error* why);  // Null: the disk takes writes again.
  void tell_all(const protocol::ServerMessage& errand);
  void on_transfer_over(SessionId session, const protocol::TransferOver& over);
  void schedule_tell(std::uint64_t key);  // At the end of this turn, as all.
  void schedule_tells();
  void tell_due();
  void tell_due(Session& session);
  void say_goodbye(Outcome outcome, const std::string& reason);
  void continue_stop();

  net::Loop& loop_;
  Options options_;
  const Clock& clock_;
  RandomSource random_;
  EventLog& events_;
  People people_;
  Presence presence_;
  Assets assets_;
  Records records_;
  Teller teller_;
  TransferDesk transfers_;
  Floor floor_;
  DocumentDesk documents_;
  RecordDesk record_desk_;
  LockDesk locks_;
  PingDesk pings_;
  CallDesk calls_;
  ClientCalls offers_;
  AskDesk asks_;
  Deadlines deadlines_;
  net::WorkQueue decoding_;
  IdleMemory idle_memory_;
  AwaySessions away_;
  std::unordered_map<SessionId, std::string> departing_;  // Gone, not told yet: with the reason.
  net::Timer away_timer_;
  SessionBook book_;
  std::pair<std::uint64_t, std::uint64_t> booked_{};  // Heads of users and places when last to be written.
  std::unordered_set<SessionId> expected_;  // Of the server before, not back yet: nobody is told of copies.
  net::Timer settling_timer_;
  std::uint64_t last_key_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  std::unordered_map<SessionId, std::uint64_t> keys_;  // Of those who are admitted and not over.
  std::size_t visits_ = 0;                             // Among keys_.
  Doorway doorway_;
  Pacing pacing_;
  std::vector<std::uint64_t> due_;
  Teller::Frames told_;  // Room for what one session is told.
  bool all_due_ = false;
  bool is_tell_scheduled_ = false;
  std::function<void()> stopped_;  // Set: stopping, and nobody comes in.
  bool is_saying_goodbye_ =
      false;                // Stopping: those who go now are sent off, and may come back to the next server.
  bool is_booked_ = false;  // Stopping: who was here is written down.
  bool is_gate_closed_ = false;  // Which keys were used is on disk.
  bool is_finishing_ = false;    // The last session is gone, the last snapshot under way.
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // For what the loop has still to do.
};

}  // namespace callboard::server
