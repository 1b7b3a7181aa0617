#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "server/board/versioned.h"

namespace callboard::server {

struct Copy {
  SessionId session;
  Timestamp timestamp;
  friend bool operator==(const Copy&, const Copy&) = default;
};

// When somebody told of a copy, and when it had become what it is, by the clock that nobody sets.
struct CopyTold {
  std::optional<Instant> made{};  // Not known: nothing but its timestamp counts.
  Instant now{};
};

// Which session has which item, and how new. Of each item the newest copy among those present counts (a tie goes to the
// lesser session id, who was there before); a session that leaves takes its copies with it and the next newest counts at once.
class Assets {
 public:
  using Newest = Versioned<std::string, Copy, std::monostate>;

  Assets();

  // False: the session or the board has as many items as it may (kItemsMax, kItemsOnBoardMax) and this is one more. What was made
  // after another copy was told of is newer than that, though its timestamp is not.
  bool set(SessionId session, const std::string& item, Timestamp timestamp, const CopyTold& told = {});
  void remove(SessionId session, const std::string& item);
  void leave(SessionId session);
  // Removes all of the session's but these.
  void retain(SessionId session, const std::function<bool(const std::string& item)>& is_kept);

  // The newest copy of every item.
  const Newest& newest() const { return newest_; }
  // The newest copy of this item whose session satisfies `is_wanted`; null id when there is none.
  Copy newest_of(std::string_view item, const std::function<bool(SessionId)>& is_wanted) const;
  std::size_t items_of(SessionId session) const;

 private:
  struct Held : Copy {
    CopyTold told;
  };
  using Copies = std::vector<Held>;

  static Timestamp later_than_seen(const Copies& copies, const Copy& copy, const CopyTold& told);
  void drop(SessionId session, const std::string& item);
  void tell_newest(const std::string& item, const Copies& copies);

  std::unordered_map<std::string, Copies> copies_;
  // Keys of copies_, whose nodes do not move: what a leaving session has to give up, without a search.
  std::unordered_map<SessionId, std::unordered_map<const std::string*, std::monostate>> by_session_;
  Newest newest_;
};

// The folders that enclose an item, itself first: "/rnd/a/b" gives "/rnd/a/b", "/rnd/a", "/rnd", "/".
std::vector<std::string_view> enclosing_items(std::string_view item);

}  // namespace callboard::server
