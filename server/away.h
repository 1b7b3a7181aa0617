#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "server/board/sha256.h"
#include "server/counts_of.h"
#include "server/session.h"

namespace callboard::server {

// Whether that is the secret of the session.
bool is_proven(const Identity& identity, const Sha256& shown);

// What is still to be told to it after its connection was lost: transfers end with that, and so does what is said of them.
std::vector<protocol::ServerMessage> lasting_errands(const Session& session);

// A session without a connection: all that it needs to go on when it comes back.
struct Away {
  Identity identity;
  Mailbox heard;
  std::vector<protocol::ServerMessage> errands;
  Error why;  // How the connection was lost.
};

// The sessions that are away, each until its time is over. Pure; at most kAwayMax. Loop thread only.
class AwaySessions {
 public:
  explicit AwaySessions(std::size_t max = kAwayMax) : max_(max) {}

  // Returns the one that has to make room: of those of whom there are the most (Identity::origin; in doubt of the one that
  // comes) the one whose time would be over first. So whoever fills all places takes them from themselves.
  std::optional<Away> add(Away away, Instant deadline);
  // The one of this id, when the secret is its; it is away no more.
  std::optional<Away> take(SessionId session, const Sha256& secret);
  // The one of this workstation, user and key, likewise.
  std::optional<Away> take_of(UniqueId workstation, const std::string& asked_name,
                              const std::string& key = "");
  // All of whom that holds.
  std::vector<Away> take_if(const std::function<bool(const Identity&)>& is_meant);
  // Those whose time is over, first those who went first.
  std::vector<Away> take_due(Instant now);
  // Null: it is not away.
  Away* find(SessionId session);
  const Away* find(SessionId session) const;
  bool contains(SessionId session) const { return away_.contains(session); }
  bool contains_if(const std::function<bool(const Identity&)>& is_meant) const;
  std::optional<Instant> next_deadline() const;
  std::size_t size() const { return away_.size(); }

 private:
  using Order = std::multimap<Instant, SessionId>;
  struct Place {
    Away away;
    Order::iterator order;
  };

  Away extract(SessionId session);
  SessionId to_displace(const std::string& coming) const;

  std::size_t max_;
  std::unordered_map<SessionId, Place> away_;
  CountsOf<std::string> by_origin_;
  Order order_;
};

}  // namespace callboard::server
