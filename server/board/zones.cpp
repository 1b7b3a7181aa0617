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

bool is_seen(const Zones::Seen& seen, const RecordState& state) {
  return !seen || std::ranges::binary_search(*seen, state.record_class);
}

bool is_told(const Zones::Seen& seen, const Zones::Shown& shown) {
  return shown.told != document::Told::none && is_seen(seen, *shown.state);
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
    const RecordOwner& before = shown.state->owner;
    if (before && before != state->owner) shown.former.push_back(before);
    if (shown.former.size() > kFormerOwners) shown.former.erase(shown.former.begin());
    std::erase(shown.former, state->owner);
  }
  shown.state = std::move(state);
  shown.told = told;
  bytes_ += size_of(shown.state);
  if (told == document::Told::none) return;
  for_each_zone_of(root_, path, [&](Zone& zone) {
    if (!is_seen(zone.seen, *shown.state)) return;
    const std::size_t before = zone.records.size();
    zone.records.set(path, shown);
    on_resized(zone, before);
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
    const RecordOwner& last = it->second.state->owner;
    if (last) gone.owners.push_back(last);
  }
  for_each_zone_of(root_, path, [&](Zone& zone) {
    const std::size_t before = zone.records.size();
    zone.records.remove(path, gone);
    on_resized(zone, before);
    note(zone);
  });
  index_.erase(it);
}

void Zones::on_resized(Zone& zone, std::size_t before) {
  const std::size_t now = zone.records.size();
  if (now == before) return;
  entries_ = entries_ - before + now;
  shares_.resize(zone.id, now);
}

void Zones::tell(RecordStatePtr event) {
  for_each_zone_of(root_, event->path, [&](Zone& zone) {
    if (!is_seen(zone.seen, *event)) return;
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

// How many records such a zone would hold; of more than `most` one more.
std::size_t Zones::count_in(const PathParts& parts, const Seen& seen, std::size_t most) const {
  std::size_t count = 0;
  for_each_in(parts, "", [&](const Shown& shown) {
    if (is_told(seen, shown)) ++count;
    return count <= most;
  });
  return count;
}

// Whether there may be one more who is in that zone, and the zone, unless there is one. One's own share first, and before
// anything is copied.
Result<void> Zones::check_room(const std::string& origin, const PathParts& parts, const Seen& seen,
                               const Zone* known) const {
  if (known == nullptr && zones_.size() >= kZonesMax)
    return Error{Outcome::refused, "people are in " + std::to_string(kZonesMax) + " zones already"};
  const bool has_share = !origin.empty() && (known == nullptr || !shares_.is_in(origin, known->id));
  if (has_share) {
    if (auto may = shares_.check_count(origin); !may) return may;
  }
  const std::size_t most = has_share ? shares_.room_of(origin) : shares_.limits().entries;
  const std::size_t records = known != nullptr ? known->records.size() : count_in(parts, seen, most);
  if (has_share && records > most) {
    return Error{Outcome::refused, "the zones that you are in would hold more than " +
                                       std::to_string(shares_.limits().per_origin) +
                                       " records, one person's share; exit one or enter a smaller one"};
  }
  if (known != nullptr || has_room(records)) return {};
  return Error{Outcome::refused, "the zones that people are in hold too many records; enter a smaller one"};
}

Zones::Zone& Zones::open(const PathParts& parts, const Seen& seen) {
  auto made = std::make_unique<Zone>();
  Zone& zone = *made;
  zone.id = ++last_id_;
  zone.name = to_path(parts);
  zone.parts = parts;
  zone.seen = seen;
  for_each_in(parts, "", [&](const Shown& shown) {
    if (is_told(seen, shown)) zone.records.set(shown.state->path, shown);
    return true;
  });
  entries_ += zone.records.size();
  zones_.emplace(zone.id, &zone);
  Node* node = &root_;
  for (const std::string& each : parts) {
    auto& below = node->below[each];
    if (below == nullptr) below = std::make_unique<Node>();
    node = below.get();
  }
  node->zones.push_back(std::move(made));
  return zone;
}

std::vector<Zones::PutOut> Zones::make_room() {
  std::vector<PutOut> out;
  while (!shares_.greedy().empty()) put_out_of_largest(std::string(*shares_.greedy().begin()), out);
  return out;
}

void Zones::put_out_of_largest(const std::string& origin, std::vector<PutOut>& out) {
  const std::uint64_t id = shares_.largest_of(origin);
  Zone& zone = *zones_.at(id);
  for (const SessionId listener : std::vector<SessionId>(zone.listeners.begin(), zone.listeners.end())) {
    Own& theirs = zones_of_.at(listener);
    if (theirs.origin != origin) continue;
    out.push_back({listener, id, zone.name});
    theirs.zones.erase(id);
    zone.listeners.erase(listener);
    shares_.exit(origin, id);
  }
  if (zone.listeners.empty()) close(zone);
}

Result<void> Zones::enter(const Listener& listener, const PathParts& parts, const Seen& seen,
                          std::vector<ZoneCursor>& cursors) {
  const Node* node = find_node(parts);
  Zone* known = nullptr;
  for (std::size_t i = 0; node != nullptr && i < node->zones.size(); ++i) {
    if (node->zones[i]->seen == seen) known = node->zones[i].get();
  }
  const bool is_in = known != nullptr && std::ranges::any_of(cursors, [&](const ZoneCursor& each) {
                       return each.zone == known->id;
                     });
  if (is_in) return {};
  if (cursors.size() >= kZonesPerSession) {
    return Error{Outcome::refused,
                 "you are in " + std::to_string(kZonesPerSession) + " zones already; exit one first"};
  }
  // One comes back from elsewhere at times: it counts where it was at first.
  const auto known_own = zones_of_.find(listener.session);
  const std::string& origin = known_own == zones_of_.end() ? listener.origin : known_own->second.origin;
  if (auto room = check_room(origin, parts, seen, known); !room) return room;
  Zone& zone = known != nullptr ? *known : open(parts, seen);
  // Of somebody who may see more by now, or less: told anew as it is to them.
  static_cast<void>(exit(listener.session, parts, cursors));
  zone.listeners.insert(listener.session);
  Own& own = zones_of_.try_emplace(listener.session, Own{listener.origin, {}}).first->second;
  if (own.zones.insert(zone.id).second) shares_.enter(own.origin, zone.id, zone.records.size());
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
  if (own.zones.erase(left->id) > 0) shares_.exit(own.origin, left->id);
  if (left->listeners.empty()) close(*left);
  return {};
}

void Zones::leave(SessionId session) {
  const auto own = zones_of_.extract(session);
  if (own.empty()) return;
  for (const std::uint64_t id : own.mapped().zones) {
    Zone& zone = *zones_.at(id);
    zone.listeners.erase(session);
    shares_.exit(own.mapped().origin, id);
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
