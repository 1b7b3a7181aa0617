#include "server/board/zones.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"

namespace callboard::server {
namespace {

// Who owned it since the slowest listener heard of it: one that changes hands faster than people listen is told of by reading.
constexpr std::size_t kFormerOwners = 8;

std::uint64_t size_of(const RecordStatePtr& state) { return state->told->size(); }

bool hides(const Zones::Zone& zone, const RecordState& state) {
  return !zone.hidden.empty() && std::ranges::binary_search(zone.hidden, state.record_class);
}

}  // namespace

const Zones::Shown* Zones::find(std::string_view path) const {
  const auto found = index_.find(path);
  return found == index_.end() ? nullptr : &found->second;
}

const Zones::Zone* Zones::zone(std::uint64_t id) const {
  const auto found = zones_.find(id);
  return found == zones_.end() ? nullptr : found->second;
}

// --- What happens ---------------------------------------------------------------------------------------------------

template <class Visit>
void Zones::for_each_zone_of(const Node& node, std::string_view rest, const Visit& visit) const {
  for (const auto& zone : node.zones) visit(*zone);
  if (rest.empty() || node.below.empty()) return;
  rest.remove_prefix(1);
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view component = rest.substr(0, end);
  rest.remove_prefix(end);
  for (const std::string_view step : {component, std::string_view("*")}) {
    if (const auto below = node.below.find(step); below != node.below.end())
      for_each_zone_of(*below->second, rest, visit);
  }
}

void Zones::set(RecordStatePtr state, document::Told told) {
  const auto placed = index_.try_emplace(state->path);
  const std::string& path = placed.first->first;
  Shown& shown = placed.first->second;
  if (!placed.second) {
    bytes_ -= size_of(shown.state);
    const SessionId before = shown.state->owner.session;
    if (before && before != state->owner.session) shown.former.push_back(before);
    if (shown.former.size() > kFormerOwners) shown.former.erase(shown.former.begin());
    std::erase(shown.former, state->owner.session);
  }
  shown.state = std::move(state);
  shown.told = told;
  bytes_ += size_of(shown.state);
  if (told == document::Told::none) return;
  for_each_zone_of(root_, path, [&](Zone& zone) {
    if (hides(zone, *shown.state)) return;
    entries_ -= zone.records.size();
    zone.records.set(path, shown);
    entries_ += zone.records.size();
    note(zone);
  });
}

void Zones::remove(const std::string& path, bool left) {
  const auto it = index_.find(path);
  if (it == index_.end()) return;
  bytes_ -= size_of(it->second.state);
  Gone gone{.left = left, .told = it->second.told};
  if (gone.told == document::Told::owner) {
    gone.owners = it->second.former;
    const SessionId last = it->second.state->owner.session;
    if (last) gone.owners.push_back(last);
  }
  for_each_zone_of(root_, path, [&](Zone& zone) {
    entries_ -= zone.records.size();
    zone.records.remove(path, gone);
    entries_ += zone.records.size();
    note(zone);
  });
  index_.erase(it);
}

void Zones::tell(RecordStatePtr event) {
  for_each_zone_of(root_, event->path, [&](Zone& zone) {
    if (hides(zone, *event)) return;
    if (zone.events.size() >= kEventsPerZone) drop_oldest_event(zone);
    if (events_ >= kEventsKept) drop_oldest_event();
    zone.events.push_back({++zone.last_event, event});
    ++events_;
    event_order_.push_back({zone.id, zone.last_event});
    trim_event_order();
    note(zone);
  });
}

void Zones::drop_oldest_event(Zone& zone) {
  zone.events.pop_front();
  --events_;
}

void Zones::trim_event_order() {
  // What zones dropped, and zones that are no more, are still in the order.
  if (event_order_.size() < 2 * kEventsKept) return;
  std::erase_if(event_order_, [this](const auto& each) {
    const auto found = zones_.find(each.first);
    return found == zones_.end() || found->second->events.empty() ||
           found->second->events.front().number > each.second;
  });
}

// Of all zones: one that is new gets its events, however many the others have.
void Zones::drop_oldest_event() {
  while (!event_order_.empty()) {
    const auto [id, number] = event_order_.front();
    event_order_.pop_front();
    const auto found = zones_.find(id);
    if (found == zones_.end() || found->second->events.empty()) continue;
    // It may be gone: its zone has dropped it.
    if (found->second->events.front().number == number) return drop_oldest_event(*found->second);
  }
}

void Zones::note(Zone& zone) {
  if (!std::exchange(zone.is_noted, true)) due_.push_back(zone.id);
}

std::vector<SessionId> Zones::take_due() {
  std::vector<SessionId> due;
  for (const std::uint64_t id : std::exchange(due_, {})) {
    const auto found = zones_.find(id);
    if (found == zones_.end()) continue;
    found->second->is_noted = false;
    due.insert(due.end(), found->second->listeners.begin(), found->second->listeners.end());
  }
  return due;
}

// --- Who is where ---------------------------------------------------------------------------------------------------

const Zones::Node* Zones::find_node(const PathParts& parts) const {
  const Node* node = &root_;
  for (const std::string& each : parts) {
    const auto below = node->below.find(each);
    if (below == node->below.end()) return nullptr;
    node = below->second.get();
  }
  return node;
}

Result<Zones::Zone*> Zones::open(const PathParts& parts, const Hidden& hidden) {
  if (zones_.size() >= kZonesMax) {
    return Error{Outcome::refused, "people are in " + std::to_string(kZonesMax) + " zones already"};
  }
  auto made = std::make_unique<Zone>();
  made->id = ++last_id_;
  made->name = to_path(parts);
  made->parts = parts;
  made->hidden = hidden;
  for_each_in(parts, "", [&](const Shown& shown) {
    if (shown.told != document::Told::none && !hides(*made, *shown.state))
      made->records.set(shown.state->path, shown);
    return entries_ + made->records.size() <= kZoneEntriesMax;
  });
  if (entries_ + made->records.size() > kZoneEntriesMax) {
    return Error{Outcome::refused, "the zones that people are in hold too many records; enter a smaller one"};
  }
  entries_ += made->records.size();
  Zone* zone = made.get();
  zones_.emplace(zone->id, zone);
  Node* node = &root_;
  for (const std::string& each : parts) {
    auto& below = node->below[each];
    if (below == nullptr) below = std::make_unique<Node>();
    node = below.get();
  }
  node->zones.push_back(std::move(made));
  return zone;
}

std::size_t Zones::entries_of(const Shares& zones) const {
  std::size_t entries = 0;
  for (const auto& [id, sessions] : zones) entries += zones_.at(id)->records.size();
  return entries;
}

Result<void> Zones::check_share(const std::string& origin, const Zone& zone) const {
  const auto own = of_origins_.find(origin);
  if (origin.empty() || (own != of_origins_.end() && own->second.contains(zone.id))) return {};
  if (own != of_origins_.end() && own->second.size() >= kZonesPerOrigin) {
    return Error{Outcome::refused, "you are in " + std::to_string(kZonesPerOrigin) +
                                       " zones already, in all of your sessions; exit one first"};
  }
  const std::size_t before = own == of_origins_.end() ? 0 : entries_of(own->second);
  if (before + zone.records.size() <= kZoneEntriesPerOrigin) return {};
  return Error{Outcome::refused, "the zones that you are in would hold more than " +
                                     std::to_string(kZoneEntriesPerOrigin) +
                                     " records, one person's share; exit one or enter a smaller one"};
}

void Zones::drop_share(const std::string& origin, std::uint64_t zone) {
  const auto own = of_origins_.find(origin);
  if (own == of_origins_.end()) return;
  const auto shared = own->second.find(zone);
  if (shared != own->second.end() && --shared->second == 0) own->second.erase(shared);
  if (own->second.empty()) of_origins_.erase(own);
}

std::vector<Zones::PutOut> Zones::make_room() {
  std::vector<std::string> greedy;
  for (const auto& [origin, zones] : of_origins_) {
    if (entries_of(zones) > kZoneEntriesPerOrigin) greedy.push_back(origin);
  }
  std::vector<PutOut> out;
  for (const std::string& origin : greedy) {
    for (auto own = of_origins_.find(origin);
         own != of_origins_.end() && entries_of(own->second) > kZoneEntriesPerOrigin;
         own = of_origins_.find(origin)) {
      put_out_of_largest(origin, out);
    }
  }
  return out;
}

void Zones::put_out_of_largest(const std::string& origin, std::vector<PutOut>& out) {
  const Shares& own = of_origins_.at(origin);
  const auto size_of_zone = [this](const auto& each) { return zones_.at(each.first)->records.size(); };
  const std::uint64_t id = std::ranges::max_element(own, {}, size_of_zone)->first;
  Zone& zone = *zones_.at(id);
  for (const SessionId listener : std::vector<SessionId>(zone.listeners.begin(), zone.listeners.end())) {
    Own& theirs = zones_of_.at(listener);
    if (theirs.origin != origin) continue;
    out.push_back({listener, id, zone.name});
    theirs.zones.erase(id);
    zone.listeners.erase(listener);
    drop_share(origin, id);
  }
  if (zone.listeners.empty()) close(zone);
}

Result<void> Zones::enter(const Listener& listener, const PathParts& parts, const Hidden& hidden,
                          std::vector<ZoneCursor>& cursors) {
  const Node* node = find_node(parts);
  Zone* known = nullptr;
  for (std::size_t i = 0; node != nullptr && i < node->zones.size(); ++i) {
    if (node->zones[i]->hidden == hidden) known = node->zones[i].get();
  }
  const bool is_in = known != nullptr && std::ranges::any_of(cursors, [&](const ZoneCursor& each) {
                       return each.zone == known->id;
                     });
  if (is_in) return {};
  if (cursors.size() >= kZonesPerSession) {
    return Error{Outcome::refused,
                 "you are in " + std::to_string(kZonesPerSession) + " zones already; exit one first"};
  }
  auto opened = known != nullptr ? Result<Zone*>(known) : open(parts, hidden);
  if (!opened) return opened.error();
  // One comes back from elsewhere at times: it counts where it was at first.
  const auto known_own = zones_of_.find(listener.session);
  const std::string& origin = known_own == zones_of_.end() ? listener.origin : known_own->second.origin;
  if (auto share = check_share(origin, **opened); !share) {
    if (known == nullptr) close(**opened);
    return share;
  }
  // Of somebody who may see more by now, or less: told anew as it is to them.
  static_cast<void>(exit(listener.session, parts, cursors));
  Zone& zone = **opened;
  zone.listeners.insert(listener.session);
  Own& own = zones_of_.try_emplace(listener.session, Own{listener.origin, {}}).first->second;
  if (own.zones.insert(zone.id).second && !own.origin.empty()) ++of_origins_[own.origin][zone.id];
  cursors.push_back({zone.id, {}, zone.last_event});
  return {};
}

Result<void> Zones::exit(SessionId session, const PathParts& parts, std::vector<ZoneCursor>& cursors) {
  const Node* node = find_node(parts);
  Zone* left = nullptr;
  for (std::size_t i = 0; node != nullptr && i < node->zones.size(); ++i) {
    const auto is_it = [&](const ZoneCursor& each) { return each.zone == node->zones[i]->id; };
    if (std::erase_if(cursors, is_it) > 0) left = node->zones[i].get();
  }
  if (left == nullptr) return Error{Outcome::not_found, "you are not in " + quoted(to_path(parts))};
  Own& own = zones_of_[session];
  left->listeners.erase(session);
  if (own.zones.erase(left->id) > 0) drop_share(own.origin, left->id);
  if (left->listeners.empty()) close(*left);
  return {};
}

void Zones::leave(SessionId session) {
  const auto own = zones_of_.extract(session);
  if (own.empty()) return;
  for (const std::uint64_t id : own.mapped().zones) {
    Zone& zone = *zones_.at(id);
    zone.listeners.erase(session);
    drop_share(own.mapped().origin, id);
    if (zone.listeners.empty()) close(zone);
  }
}

void Zones::close(Zone& zone) {
  entries_ -= zone.records.size();
  events_ -= zone.events.size();
  zones_.erase(zone.id);
  const PathParts parts = zone.parts;
  std::vector<std::pair<Node*, std::string>> way;
  Node* node = &root_;
  for (const std::string& each : parts) {
    way.emplace_back(node, each);
    node = node->below.at(each).get();
  }
  std::erase_if(node->zones, [&](const auto& each) { return each.get() == &zone; });
  // What led nowhere else goes with it.
  for (auto step = way.rbegin(); step != way.rend(); ++step) {
    const Node& below = *step->first->below.at(step->second);
    if (!below.zones.empty() || !below.below.empty()) return;
    step->first->below.erase(step->second);
  }
}

}  // namespace callboard::server
