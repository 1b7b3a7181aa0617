#include "server/away.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/ensure.h"

namespace callboard::server {

std::vector<protocol::ServerMessage> lasting_errands(const Session& session) {
  std::vector<protocol::ServerMessage> lasting = session.errands_unheard;
  std::ranges::copy_if(session.errands, std::back_inserter(lasting), is_lasting);
  return lasting;
}

bool is_proven(const Identity& identity, const Sha256& shown) {
  return identity.secret && is_same_secret(*identity.secret, shown);
}

std::optional<Away> AwaySessions::add(Away away, Instant deadline) {
  const SessionId session = away.identity.id;
  ENSURE(session && !away_.contains(session));
  std::optional<Away> displaced;
  if (away_.size() >= max_ && !order_.empty()) displaced = extract(to_displace(away.identity.origin));
  by_origin_.add(away.identity.origin);
  away_.emplace(session, Place{std::move(away), order_.emplace(deadline, session)});
  return displaced;
}

SessionId AwaySessions::to_displace(const std::string& coming) const {
  const auto count_of = [&](const std::string& origin) {
    return by_origin_.of(origin) + (origin == coming ? 1 : 0);
  };
  std::size_t most = 0;
  for (const auto& [origin, count] : by_origin_.all()) most = std::max(most, count_of(origin));
  const bool is_own = by_origin_.of(coming) > 0 && count_of(coming) == most;
  const auto makes_room = [&](const Order::value_type& each) {
    const std::string& origin = away_.at(each.second).away.identity.origin;
    return is_own ? origin == coming : count_of(origin) == most;
  };
  return std::ranges::find_if(order_, makes_room)->second;
}

std::optional<Away> AwaySessions::take(SessionId session, const Sha256& secret) {
  const Away* away = find(session);
  if (away == nullptr || !is_proven(away->identity, secret)) return std::nullopt;
  return extract(session);
}

std::optional<Away> AwaySessions::take_of(UniqueId workstation, const std::string& asked_name,
                                          const std::string& key) {
  const auto found = std::ranges::find_if(away_, [&](const auto& entry) {
    const Identity& identity = entry.second.away.identity;
    return identity.workstation == workstation && identity.asked_name == asked_name && identity.key == key;
  });
  if (found == away_.end()) return std::nullopt;
  return extract(found->first);
}

std::vector<Away> AwaySessions::take_if(const std::function<bool(const Identity&)>& is_meant) {
  std::vector<SessionId> meant;
  for (const auto& [id, place] : away_) {
    if (is_meant(place.away.identity)) meant.push_back(id);
  }
  std::vector<Away> taken;
  for (const SessionId id : meant) taken.push_back(extract(id));
  return taken;
}

bool AwaySessions::contains_if(const std::function<bool(const Identity&)>& is_meant) const {
  return std::ranges::any_of(away_, [&](const auto& each) { return is_meant(each.second.away.identity); });
}

std::vector<Away> AwaySessions::take_due(Instant now) {
  std::vector<Away> due;
  while (!order_.empty() && order_.begin()->first <= now) due.push_back(extract(order_.begin()->second));
  return due;
}

Away* AwaySessions::find(SessionId session) {
  const auto it = away_.find(session);
  return it == away_.end() ? nullptr : &it->second.away;
}

const Away* AwaySessions::find(SessionId session) const {
  const auto it = away_.find(session);
  return it == away_.end() ? nullptr : &it->second.away;
}

std::optional<Instant> AwaySessions::next_deadline() const {
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

Away AwaySessions::extract(SessionId session) {
  auto node = away_.extract(session);
  ENSURE(!node.empty());
  order_.erase(node.mapped().order);
  by_origin_.remove(node.mapped().away.identity.origin);
  return std::move(node.mapped().away);
}

}  // namespace callboard::server
