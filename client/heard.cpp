#include "client/heard.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "client/conversions.h"

namespace callboard::client {
namespace {

// More than wait for one session at a time.
constexpr std::size_t kConflictsKept = 1024;

auto fields_of(const User& user) {
  return std::tie(user.session, user.name, user.host, user.shares, user.joined, user.at, user.at_since,
                  user.camera_x, user.camera_y);
}

bool is_same(const AssetCopy& a, const AssetCopy& b) {
  return std::tie(a.user, a.session, a.timestamp) == std::tie(b.user, b.session, b.timestamp);
}

}  // namespace

bool Heard::learn(const User& user) {
  const auto [it, is_new] = users_.try_emplace(user.session, user);
  if (!is_new && fields_of(it->second) == fields_of(user)) return false;
  it->second = user;
  return true;
}

Heard::Users Heard::hear(const protocol::Users& tell) {
  Users news;
  for (const User& user : to_users(tell.users)) {
    if (learn(user)) news.changed.push_back(user);
  }
  for (Departure& left : to_departures(tell.left)) {
    if (users_.erase(left.session) > 0) news.left.push_back(std::move(left));
  }
  return news;
}

Heard::Users Heard::replace(const protocol::Users& all) {
  std::set<SessionId> here;
  for (const auto& user : all.users) here.insert(user.session);
  Users news;
  std::erase_if(users_, [&](const auto& entry) {
    if (here.contains(entry.first)) return false;
    news.left.push_back({entry.first, entry.second.name, "left while the connection was lost"});
    return true;
  });
  news.changed = hear(all).changed;
  return news;
}

std::optional<User> Heard::hear(const protocol::AtTell& tell) {
  User user;
  user.session = tell.session;
  user.name = tell.user;
  user.at = tell.item;
  user.at_since = tell.since;
  const auto known = users_.find(tell.session);
  if (known == users_.end()) return std::nullopt;  // The list that is asked for says where they are.
  if (known->second.at == tell.item && known->second.at_since == tell.since) return std::nullopt;
  known->second.at = tell.item;
  known->second.at_since = tell.since;
  return user;
}

AssetChanges Heard::hear(const protocol::Assets& tell) {
  AssetChanges news = to_asset_changes(tell);
  std::erase_if(news, [&](const auto& change) {
    const auto& [item, copy] = change;
    const auto known = assets_.find(item);
    if (!copy) return known == assets_.end() || (assets_.erase(known), false);
    if (known != assets_.end() && is_same(known->second, *copy)) return true;
    assets_.insert_or_assign(item, *copy);
    return false;
  });
  return news;
}

AssetChanges Heard::replace(const protocol::Assets& all) {
  AssetChanges gone;
  for (const auto& [item, copy] : assets_) {
    if (!all.items.contains(item)) gone.emplace(item, std::nullopt);
  }
  for (const auto& [item, nothing] : gone) assets_.erase(item);
  AssetChanges news = hear(all);
  news.merge(gone);
  return news;
}

std::vector<Message> Heard::hear(const protocol::Messages& tell) {
  std::vector<Message> news = to_messages(tell.messages);
  std::erase_if(news, [&](const Message& message) { return message.number <= newest_message_; });
  if (!news.empty()) newest_message_ = news.back().number;
  return news;
}

std::vector<Conflict> Heard::hear(const protocol::Conflicts& tell) {
  std::vector<Conflict> news = to_conflicts(tell.conflicts);
  std::erase_if(news, [&](const Conflict& conflict) {
    const auto [it, is_new] = conflicts_.try_emplace(conflict.number, conflict.winner.revision);
    if (!is_new && it->second == conflict.winner.revision) return true;
    it->second = conflict.winner.revision;
    return false;
  });
  while (conflicts_.size() > kConflictsKept) conflicts_.erase(conflicts_.begin());
  return news;
}

}  // namespace callboard::client
