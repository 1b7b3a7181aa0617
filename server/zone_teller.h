#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "server/board/zones.h"
#include "server/tell_cache.h"

namespace callboard::server {

// Frames kept for others who stand at the same place: of all zones together.
inline constexpr std::uint64_t kTellsKeptBytes = 32 * MiB;

// Says what a session's mailbox lacks of the zones that it is in; for answers, what is in a zone. Those who stand at the same
// place get the same frame. Pure but for that cache. Loop thread only.
class ZoneTeller {
 public:
  explicit ZoneTeller(const Zones& zones) : zones_(zones) {}

  bool is_due(const Mailbox& mailbox) const;
  // Adds one piece of each zone, and moves the mailbox past it.
  void take_due(const RecordOwner& listener, Mailbox& mailbox, std::vector<protocol::EncodedFrame>& frames);

  // One piece of what there is in a zone, from the first path after `after` on, of what may be seen.
  protocol::Records records(const PathParts& zone, const std::string& after,
                            const std::function<bool(const RecordState&)>& may_see) const;

  // Of all frames that are kept for others: kTellsKeptBytes and one more at most.
  std::uint64_t kept_bytes() const;

 private:
  using RecordsTold = CachedTell<Cursor, RecordOwner>;
  using EventsTold = CachedTell<std::uint64_t, RecordOwner>;
  struct Caches {
    std::vector<RecordsTold> records;
    std::vector<EventsTold> events;
  };

  static RecordsTold make_records(const Zones::Zone& zone, Cursor from, const RecordOwner& listener);
  static EventsTold make_events(const Zones::Zone& zone, std::uint64_t from);
  Caches& caches_of(const Zones::Zone& zone);

  const Zones& zones_;
  std::unordered_map<std::uint64_t, Caches> caches_;
  std::uint64_t made_bytes_ = 0;  // Of what was put into them since they were empty.
};

}  // namespace callboard::server
