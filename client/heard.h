#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "client/types.h"
#include "protocol/message.h"

namespace callboard::client {

// What this client was told in its session of who is here, what they have and what was said. When the session comes back over
// another connection some of that may be told again, or as a whole list: only what differs is passed on. Client's
// thread only.
class Heard {
 public:
  struct Users {
    std::vector<User> changed;
    std::vector<Departure> left;
    bool empty() const { return changed.empty() && left.empty(); }
  };

  // The whole list was asked for in vain: it is asked for again when the session goes on.
  bool lacks_users = false;
  bool lacks_assets = false;

  // It is another session: everything is news.
  void forget() { *this = {}; }

  bool knows_users() const { return !users_.empty(); }
  Users hear(const protocol::Users& tell);
  // All there are; who is not among them has left.
  Users replace(const protocol::Users& all);
  // nullopt: known, or of somebody not heard of yet.
  std::optional<User> hear(const protocol::AtTell& tell);

  bool knows_assets() const { return !assets_.empty(); }
  AssetChanges hear(const protocol::Assets& tell);
  AssetChanges replace(const protocol::Assets& all);

  std::vector<Message> hear(const protocol::Messages& tell);
  std::vector<Conflict> hear(const protocol::Conflicts& tell);

 private:
  bool learn(const User& user);

  std::map<SessionId, User> users_;
  Assets assets_;
  std::uint64_t newest_message_ = 0;
  std::map<std::uint64_t, std::uint64_t>
      conflicts_;  // Number to the winner's revision; the newest kConflictsKept.
};

}  // namespace callboard::client
