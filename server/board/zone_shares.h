#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace callboard::server {

// Records in the zones of all, and in those of one person.
struct ZoneLimits {
  std::size_t entries = kZoneEntriesMax;
  std::size_t per_origin = kZoneEntriesPerOrigin;
};

// In which zones each person (Identity::origin) is, with however many sessions, and how many records those hold, known as they
// change: who has more than a share is found without a look at the others. Nobody, the empty origin, has no share. Pure.
class ZoneShares {
 public:
  using Id = std::uint64_t;
  explicit ZoneShares(ZoneLimits limits) : limits_(limits) {}
  const ZoneLimits& limits() const { return limits_; }

  bool is_in(const std::string& origin, Id zone) const;
  // refused: they are in kZonesPerOrigin others.
  Result<void> check_count(const std::string& origin) const;
  // How many records another zone of theirs may hold.
  std::size_t room_of(const std::string& origin) const;

  // One more of their sessions is in it, which holds so many records.
  void enter(const std::string& origin, Id zone, std::size_t records);
  void exit(const std::string& origin, Id zone);
  void resize(Id zone, std::size_t records);

  // Those who have more than their share, because records were made in their zones.
  const std::set<std::string>& greedy() const { return greedy_; }
  // Of somebody who is in one.
  Id largest_of(const std::string& origin) const;

 private:
  struct Own {
    std::string origin;
    std::unordered_map<Id, std::size_t> zones{};  // With their sessions in each.
    std::size_t records = 0;
  };
  struct Zone {
    std::size_t records = 0;
    std::vector<Own*> of;
  };

  void count(Own& own, std::size_t before, std::size_t now);

  ZoneLimits limits_;
  std::unordered_map<std::string, Own> origins_;
  std::unordered_map<Id, Zone> zones_;  // That somebody is in.
  std::set<std::string> greedy_;
};

}  // namespace callboard::server
