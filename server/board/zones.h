#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/document/schema.h"
#include "server/board/mailbox.h"
#include "server/board/record_table.h"
#include "server/board/versioned.h"
#include "server/board/zone_name.h"
#include "server/board/zone_shares.h"

namespace callboard::server {

// All records by path, whatever their life; and of each zone that somebody is in, what changed since any moment: a listener
// needs two cursors for each of its zones. What happens in a zone costs those in other zones nothing, and is found by its path,
// not by asking every zone. Pure. Loop thread only.
class Zones {
 public:
  // A record as it is shown, and to whom.
  struct Shown {
    RecordStatePtr state;
    document::Told told = document::Told::zone;
    std::vector<RecordOwner> former;  // Of one that its owner is told of: who owned it lately.
  };
  struct Gone {
    bool left = false;  // With its session; else it was removed.
    document::Told told = document::Told::zone;
    // Of one that its owner is told of: the last and former ones, who alone knew it.
    std::vector<RecordOwner> owners{};
  };
  using Records = Versioned<std::string, Shown, Gone>;
  struct Event {
    std::uint64_t number = 0;
    RecordStatePtr state;
  };

  explicit Zones(ZoneLimits limits = {}) : shares_(limits) {}
  // --- What there is ---
  const Shown* find(std::string_view path) const;
  std::size_t size() const { return index_.size(); }
  std::uint64_t bytes() const { return bytes_; }
  // Of all that their paths name, in the order of those, from the first one after `after` on, until `visit` returns false.
  template <class Visit>
  void for_each_in(const PathParts& zone, const std::string& after, Visit visit) const {
    const std::string fixed = fixed_part(zone);
    auto at = after.empty() ? index_.lower_bound(fixed) : index_.upper_bound(std::max(after, fixed));
    for (; at != index_.end() && at->first.starts_with(fixed); ++at) {
      if (is_in_zone(zone, at->first) && !visit(at->second)) return;
    }
  }

  // --- What happens ---
  // Whether there may be so many more.
  bool has_room(std::size_t entries = 1) const { return entries_ + entries <= shares_.limits().entries; }
  struct PutOut {
    SessionId session;
    std::uint64_t zone = 0;
    std::string name;
  };
  // Whoever has more than a share is put out of the largest zones, until it has not.
  std::vector<PutOut> make_room();
  void set(RecordStatePtr state, document::Told told);
  void remove(const std::string& path, bool left = false);  // `left`: with its session.
  void tell(RecordStatePtr event);
  // Whom there is something to tell since the last call; some perhaps twice.
  std::vector<SessionId> take_due();

  // --- Who is where ---
  // Names of classes, sorted, that somebody may see; nullopt: all that there are.
  using Seen = std::optional<std::vector<std::string>>;
  struct Listener {
    Listener(SessionId who, std::string limits = {}) : session(who), origin(std::move(limits)) {}

    SessionId session;
    std::string origin;  // Whose limits it counts in; empty: nobody's.
  };
  // Where the session begins to listen. refused: too many zones, or records in them. `cursors` gets the zone, unless it is there.
  Result<void> enter(const Listener& listener, const PathParts& zone, const Seen& seen,
                     std::vector<ZoneCursor>& cursors);
  // not_found: it is not in it.
  Result<void> exit(SessionId session, const PathParts& zone, std::vector<ZoneCursor>& cursors);
  void leave(SessionId session);

  // --- What is to be told in a zone; null: it is no more ---
  struct Zone {
    std::uint64_t id = 0;
    std::string name;
    PathParts parts;
    Seen seen;  // By all in it; those who may see others are in another one of that name.
    Records records{kGonePerZone};
    std::deque<Event> events;  // Oldest first.
    std::uint64_t last_event = 0;
    std::unordered_set<SessionId> listeners;
    bool is_noted = false;  // Among those whose listeners are to be told.

    bool is_due(const ZoneCursor& cursor) const {
      return cursor.records.version < records.head() || cursor.events < last_event;
    }
  };
  const Zone* zone(std::uint64_t id) const;

 private:
  // One component of zones' names.
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> below;
    std::vector<std::unique_ptr<Zone>> zones;  // Each shows other classes.
  };

  template <class Visit>
  void for_each_zone_of(const Node& node, std::string_view rest, const Visit& visit) const;
  const Node* find_node(const PathParts& parts) const;
  struct Own {
    std::string origin;
    std::unordered_set<std::uint64_t> zones;
  };
  std::size_t count_in(const PathParts& parts, const Seen& seen, std::size_t most) const;
  Result<void> check_room(const std::string& origin, const PathParts& parts, const Seen& seen,
                          const Zone* known) const;
  void on_resized(Zone& zone, std::size_t before);
  void put_out_of_largest(const std::string& origin, std::vector<PutOut>& out);
  Zone& open(const PathParts& parts, const Seen& seen);
  void close(Zone& zone);
  void drop_oldest_event(Zone& zone);
  void drop_oldest_event();
  void trim_event_order();
  void note(Zone& zone);

  std::map<std::string, Shown, std::less<>> index_;
  std::uint64_t bytes_ = 0;
  Node root_;
  std::unordered_map<std::uint64_t, Zone*> zones_;
  std::unordered_map<SessionId, Own> zones_of_;
  ZoneShares shares_;
  std::uint64_t last_id_ = 0;
  std::size_t entries_ = 0;  // Records of all zones, gone ones not counted.
  std::size_t events_ = 0;   // Of all zones …
  std::deque<std::pair<std::uint64_t, std::uint64_t>> event_order_;  // … by zone and number, oldest first.
  std::vector<std::uint64_t> due_;                                   // Zones.
};

}  // namespace callboard::server
