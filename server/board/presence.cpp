#include "server/board/presence.h"

#include <utility>

#include "base/ensure.h"
#include "base/limits.h"

namespace callboard::server {

Presence::Presence() : users_(kDeparturesKept), ats_(kDeparturesKept) {}

std::string Presence::free_name(const std::string& wanted) const {
  if (!names_.contains(wanted)) return wanted;
  for (std::size_t n = 2;; ++n) {
    std::string name = wanted + " (" + std::to_string(n) + ")";
    // Ends after at most one round per user present.
    if (!names_.contains(name)) return name;
  }
}

const User& Presence::join(SessionId session, User user) {
  user.asked_name = user.name;
  At at{"", user.joined};
  restore(session, std::move(user), std::move(at));
  return *users_.find(session);
}

void Presence::restore(SessionId session, User user, At at) {
  ENSURE(users_.find(session) == nullptr);
  user.name = free_name(user.name);
  names_.emplace(user.name, session);
  users_.set(session, std::move(user));
  ats_.set(session, std::move(at));
}

void Presence::set_away(SessionId session, bool is_away) {
  if (users_.find(session) == nullptr) return;
  ++away_version_;
  if (is_away) {
    away_.insert(session);
  } else {
    away_.erase(session);
  }
}

void Presence::set_host(SessionId session, const std::string& host, bool shares) {
  const User* user = users_.find(session);
  if (user == nullptr || (user->host == host && user->shares == shares)) return;
  User changed = *user;
  changed.host = host;
  changed.shares = shares;
  users_.set(session, std::move(changed));
}

void Presence::leave(SessionId session, std::string_view reason) {
  const User* user = users_.find(session);
  if (user == nullptr) return;
  names_.erase(user->name);
  away_.erase(session);
  // The departure itself says that this place is empty.
  ats_.forget(session);
  users_.remove(session, Departure{user->name, std::string(reason)});
}

void Presence::set_at(SessionId session, std::string item, Timestamp now) {
  const At* at = ats_.find(session);
  if (at == nullptr || at->item == item) return;
  ats_.set(session, At{std::move(item), now});
}

void Presence::set_camera(SessionId session, std::int64_t x, std::int64_t y) {
  const User* user = users_.find(session);
  if (user == nullptr || (user->camera_x == x && user->camera_y == y)) return;
  User moved = *user;
  moved.camera_x = x;
  moved.camera_y = y;
  users_.set(session, std::move(moved));
}

SessionId Presence::find(std::string_view shown_name) const {
  const auto it = names_.find(std::string(shown_name));
  return it == names_.end() ? SessionId{} : it->second;
}

SessionId Presence::find_own(std::string_view asked_name, std::string_view host) const {
  SessionId own = find(asked_name);
  const User* shown = user(own);
  if (shown != nullptr && (host.empty() || shown->host == host)) return own;
  users_.for_each([&](SessionId session, const User& user) {
    if (user.asked_name == asked_name && user.host == host) own = session;
  });
  return own;
}

}  // namespace callboard::server
