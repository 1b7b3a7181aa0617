#include "server/board/zone_shares.h"

#include <algorithm>

namespace callboard::server {

bool ZoneShares::is_in(const std::string& origin, Id zone) const {
  const auto own = origins_.find(origin);
  return own != origins_.end() && own->second.zones.contains(zone);
}

Result<void> ZoneShares::check_count(const std::string& origin) const {
  const auto own = origins_.find(origin);
  if (own == origins_.end() || own->second.zones.size() < kZonesPerOrigin) return {};
  return Error{Outcome::refused, "you are in " + std::to_string(kZonesPerOrigin) +
                                     " zones already, in all of your sessions; exit one first"};
}

std::size_t ZoneShares::room_of(const std::string& origin) const {
  const auto own = origins_.find(origin);
  const std::size_t taken = own == origins_.end() ? 0 : own->second.records;
  return limits_.per_origin - std::min(taken, limits_.per_origin);
}

void ZoneShares::enter(const std::string& origin, Id id, std::size_t records) {
  if (origin.empty()) return;
  Own& own = origins_.try_emplace(origin, Own{.origin = origin}).first->second;
  if (++own.zones[id] > 1) return;
  Zone& zone = zones_[id];
  zone.records = records;
  zone.of.push_back(&own);
  count(own, 0, records);
}

void ZoneShares::exit(const std::string& origin, Id id) {
  const auto own = origins_.find(origin);
  if (own == origins_.end()) return;
  const auto sessions = own->second.zones.find(id);
  if (sessions == own->second.zones.end() || --sessions->second > 0) return;
  own->second.zones.erase(sessions);
  const auto zone = zones_.find(id);
  count(own->second, zone->second.records, 0);
  std::erase(zone->second.of, &own->second);
  if (zone->second.of.empty()) zones_.erase(zone);
  if (own->second.zones.empty()) origins_.erase(own);
}

void ZoneShares::resize(Id id, std::size_t records) {
  const auto zone = zones_.find(id);
  if (zone == zones_.end()) return;
  for (Own* own : zone->second.of) count(*own, zone->second.records, records);
  zone->second.records = records;
}

void ZoneShares::count(Own& own, std::size_t before, std::size_t now) {
  const auto is_greedy = [&] { return own.records > limits_.per_origin; };
  const bool was_greedy = is_greedy();
  own.records = own.records - before + now;
  if (is_greedy() == was_greedy) return;
  if (was_greedy) {
    greedy_.erase(own.origin);
  } else {
    greedy_.insert(own.origin);
  }
}

ZoneShares::Id ZoneShares::largest_of(const std::string& origin) const {
  const auto size_of = [this](const auto& each) { return zones_.at(each.first).records; };
  return std::ranges::max_element(origins_.at(origin).zones, {}, size_of)->first;
}

}  // namespace callboard::server
