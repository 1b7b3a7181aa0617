#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/clock.h"
#include "base/id.h"
#include "base/text_hash.h"
#include "server/board/versioned.h"

namespace callboard::server {

struct User {
  std::string name;        // As shown: unique among those present.
  std::string asked_name;  // Without the number.
  std::string host;
  bool shares = false;
  Timestamp joined;
  std::int64_t camera_x = 0;
  std::int64_t camera_y = 0;
};

// What somebody works on; `item` is empty for nothing.
struct At {
  std::string item;
  Timestamp since;
};

struct Departure {
  std::string name;
  std::string reason;
};

// Who is here, under which name, and what they work on: all of it lives as long as the session. Visits are not in it.
class Presence {
 public:
  using Users = Versioned<SessionId, User, Departure>;
  using Ats = Versioned<SessionId, At, Departure>;

  Presence();

  // `user.name` is what was asked for; the name it is shown under has " (2)", " (3)" … added while another has it.
  // A name is free again once its user has left.
  const User& join(SessionId session, User user);
  // One who was here before the server was started anew: `user` and `at` as they were then.
  void restore(SessionId session, User user, At at);
  // Does nothing when the session is not here, so that every way of ending may say it.
  void leave(SessionId session, std::string_view reason);

  // Who is away has lost the connection and may come back: still here, under its name. No news to anybody, and known only
  // to those who ask.
  void set_away(SessionId session, bool is_away);
  bool is_away(SessionId session) const { return away_.contains(session); }
  // Another one whenever somebody went away or came back.
  std::uint64_t away_version() const { return away_version_; }
  // What a session that came back says of itself. Nothing changes when it says the same.
  void set_host(SessionId session, const std::string& host, bool shares);

  // Both keep the previous answer and no version when nothing changed.
  void set_at(SessionId session, std::string item, Timestamp now);
  void set_camera(SessionId session, std::int64_t x, std::int64_t y);

  // Nobody of that shown name: the null id.
  SessionId find(std::string_view shown_name) const;
  // The session that a command of this user on this host speaks for: their own, by preference on that host. Null id:
  // they have not joined.
  SessionId find_own(std::string_view asked_name, std::string_view host) const;
  const User* user(SessionId session) const { return users_.find(session); }
  // Never null for somebody who is here.
  const At* at(SessionId session) const { return ats_.find(session); }

  const Users& users() const { return users_; }
  const Ats& ats() const { return ats_; }

 private:
  std::string free_name(const std::string& wanted) const;

  Users users_;
  Ats ats_;
  TextMap<SessionId> names_;
  std::unordered_set<SessionId> away_;
  std::uint64_t away_version_ = 0;
};

}  // namespace callboard::server
