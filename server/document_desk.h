#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/message.h"
#include "server/floor.h"
#include "server/session.h"

namespace callboard::server {

// Everything about documents that a session says: claims of the join, reads, writes, their history and conflicts. Each is
// answered once, or its session is gone. An answer to a write brings the writer up to date: until it is out, nothing else
// is told of that document, so that patches are always of what the listener has. Loop thread only.
class DocumentDesk {
 public:
  struct Outside {
    std::function<Session*(std::uint64_t key)> by_key;
    std::function<Session*(SessionId id)> by_id;
    // What is to be told to that session alone, also while it is away; null: it is not here.
    std::function<std::vector<protocol::ServerMessage>*(SessionId id)> errands_of;
    // Something is due to that session.
    std::function<void(std::uint64_t key)> due;
  };

  DocumentDesk(Floor& floor, Outside outside) : floor_(floor), outside_(std::move(outside)) {}

  void on_claim(Session& session, protocol::DocumentClaim claim);
  void on_read(Session& session, const protocol::DocumentRead& ask);
  void on_write(Session& session, protocol::DocumentWrite ask);
  void on_history(Session& session, const protocol::HistoryAsk& ask);
  void on_conflicts(Session& session, const protocol::ConflictsAsk& ask);

  // Texts are ready: answers that waited for one go out.
  void on_texts();
  // Tells both authors, if they are here.
  void on_conflict(const Conflict& conflict);
  // Tells who has joined of the open conflicts that they are in and were not told of, the oldest kConflictsPerTell.
  void on_joined(Session& session);
  // They left without having heard that.
  void on_unheard(const std::string& user, const std::vector<protocol::ServerMessage>& errands);

 private:
  // An answer in the making.
  struct Waiting {
    std::uint64_t key = 0;
    std::optional<protocol::AskId> re;  // None: the exchange of the join.
    Record record = Record::story;
    Document sent;                   // By a write, all of it …
    bool may_be_merged = false;      // … and others' changes are in what it became.
    std::optional<Applied> applied;  // Of a write.
    std::uint64_t known = 0;         // The revision that the claim named.
    std::uint64_t at_least = 0;      // What is read is of that revision or newer.
  };

  void write(Draft draft, Waiting waiting);
  void answer_or_wait(Waiting waiting);
  // False: its text is in the making.
  bool answer(const Waiting& waiting);
  bool answer_with_text(Session& session, const Waiting& waiting, std::uint64_t known);
  void reply(Session& session, const Waiting& waiting, protocol::DocumentState state);
  void refuse(std::uint64_t key, const std::optional<protocol::AskId>& re, const Error& why);
  void read_part(Session& session, const protocol::DocumentRead& ask, document::ValuePtr root);
  void read_version(Session& session, const protocol::DocumentRead& ask);
  Result<Draft> draft_of(const Session& session, protocol::DocumentWrite& ask) const;
  void tell_conflict(const Side& author, const protocol::Conflict& conflict);
  void note_told(std::uint64_t conflict, const std::string& user);

  Floor& floor_;
  Outside outside_;
  std::vector<Waiting> waiting_;
  // Who was told of which conflict, for as long as this server runs.
  std::set<std::pair<std::uint64_t, std::string>> told_;
};

}  // namespace callboard::server
