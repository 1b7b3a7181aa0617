#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/loop.h"
#include "net/timer.h"
#include "protocol/message.h"
#include "server/calls/call_desk.h"
#include "server/calls/client_calls.h"
#include "server/document_desk.h"
#include "server/floor.h"
#include "server/lock_policy.h"
#include "server/record_desk.h"
#include "server/session.h"

namespace callboard::server {

// Answers what joined sessions and visits ask. Every ask is answered once: here and now, or when its work is done and
// the session still there. Loop thread only.
class AskDesk {
 public:
  struct Outside {
    std::function<Session*(std::uint64_t key)> by_key;
    std::function<Session*(SessionId id)> by_id;
    // Who is called so: one session at most, and any number of visits.
    std::function<std::vector<Session*>(const std::string& name)> named;
    // The session-life part of the board changed, or somebody has an errand.
    std::function<void()> changed;
    // Calls `then` once what is here now outlives this process.
    std::function<void(std::function<void()> then)> kept;
    std::function<Counts()> counts;
    // Somebody has something on their errands.
    std::function<void(std::uint64_t key)> due;
    // Calls `then` once what was noted in the audit is written.
    std::function<void(std::function<void()> then)> audited;
    LockPolicy locks = LockPolicy::warn;
  };

  AskDesk(net::Loop& loop, Floor& floor, DocumentDesk& documents, RecordDesk& records, CallDesk& calls,
          ClientCalls& offers, Outside outside);

  void on_asked(Session& session, protocol::ClientMessage&& ask);
  // The session is gone: what it still wanted told is dropped.
  void forget(SessionId session);

 private:
  void answer(Session& session, const protocol::DocumentRead& ask);
  void answer(Session& session, protocol::DocumentWrite& ask);
  void answer(Session& session, const protocol::HistoryAsk& ask);
  void answer(Session& session, const protocol::ConflictsAsk& ask);
  void answer(Session& session, const protocol::AssetsRead& ask);
  void answer(Session& session, const protocol::AssetsChange& ask);
  void answer(Session& session, protocol::AtAsk& ask);
  void answer(Session& session, const protocol::CameraAsk& ask);
  void answer(Session& session, const protocol::UsersAsk& ask);
  template <class List>
  void answer_listed(Session& session, protocol::AskId id, const List& list);
  void answer(Session& session, protocol::MessageAsk& ask);
  void answer(Session& session, const protocol::MessagesAsk& ask);
  void answer(Session& session, protocol::GetAsk& ask);
  void answer(Session& session, const protocol::ChannelsAsk& ask);
  void answer(Session& session, const protocol::ChannelAsk& ask);
  void grant_channel(Session& session, const protocol::ChannelAsk& ask, Session* offerer);
  void answer(Session& session, const protocol::CancelAsk& ask);
  void answer(Session& session, const protocol::WorkingAsk& ask);
  void answer(Session& session, const protocol::StatusAsk& ask);
  void answer(Session& session, protocol::RecordAsk& ask) { records_.on_asked(session, ask); }
  void answer(Session& session, const protocol::RecordsRead& ask) { records_.on_read(session, ask); }
  void answer(Session& session, const protocol::EnterAsk& ask) { records_.on_enter(session, ask); }
  void answer(Session& session, const protocol::ExitAsk& ask) { records_.on_exit(session, ask); }
  void answer(Session& session, const protocol::SchemaAsk& ask) { records_.on_schema(session, ask); }
  void answer(Session& session, protocol::CallAsk& ask);
  void answer(Session& session, const protocol::CallCancelAsk& ask);
  void answer(Session& session, const protocol::CallsAsk& ask);
  void answer(Session& session, const protocol::OfferAsk& ask);
  void answer(Session& session, const protocol::CalledAsk& ask);
  void on_call_answered(std::uint64_t key, protocol::AskId ask, const Result<protocol::Document>& answer);
  void on_call_progressed(std::uint64_t key, protocol::AskId ask, const protocol::Document& value);
  void answer(Session& session, const protocol::AuditAsk& ask);
  void read_audit(std::uint64_t key, const protocol::AuditAsk& ask);

  // Whose place, camera and copies the session speaks of: its own; a visit's is its user's. Error: they have not joined.
  Result<SessionId> subject_of(const Session& session) const;
  bool is_own(const Session& taker, SessionId session) const;
  static Result<void> check_listens(const Session& session);
  Result<Session*> channel_end(const Session& opener, const protocol::ChannelAsk& ask) const;
  Result<Session*> giver_for(const Session& taker, const protocol::GetAsk& ask) const;
  Result<Session*> named_giver(const Session& taker, const std::string& name) const;
  Error nobody_has(const std::string& item) const;
  Result<Session*> newest_giver(const Session& taker, const std::string& item) const;
  void publish_cameras();

  struct Camera {
    Instant told;
    bool is_pending = false;
    std::int64_t x = 0;
    std::int64_t y = 0;
  };

  net::Loop& loop_;
  Floor& floor_;
  DocumentDesk& documents_;
  RecordDesk& records_;
  CallDesk& calls_;
  ClientCalls& offers_;
  Outside outside_;
  std::unordered_map<SessionId, Camera> cameras_;
  net::Timer camera_timer_;
};

}  // namespace callboard::server
