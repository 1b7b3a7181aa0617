#include "server/lock_index.h"

namespace callboard::server {

void LockIndex::set(const std::string& path, SessionId owner, std::int64_t until_ms) {
  remove(path);
  places_[path] = {owner, until_ms};
  if (until_ms != 0) {
    by_end_.emplace(until_ms, path);
  } else {
    of_session_[owner].insert(path);
  }
}

void LockIndex::remove(const std::string& path) {
  const auto place = places_.extract(path);
  if (place.empty()) return;
  by_end_.erase({place.mapped().until_ms, path});
  const auto own = of_session_.find(place.mapped().owner);
  if (own == of_session_.end()) return;
  own->second.erase(path);
  if (own->second.empty()) of_session_.erase(own);
}

std::vector<std::string> LockIndex::of(SessionId owner) const {
  const auto own = of_session_.find(owner);
  if (own == of_session_.end()) return {};
  return {own->second.begin(), own->second.end()};
}

std::vector<SessionId> LockIndex::owners() const {
  std::vector<SessionId> owners;
  for (const auto& [owner, paths] : of_session_) owners.push_back(owner);
  return owners;
}

std::vector<std::string> LockIndex::ended(std::int64_t now_ms) const {
  std::vector<std::string> paths;
  for (auto each = by_end_.begin(); each != by_end_.end() && each->first <= now_ms; ++each)
    paths.push_back(each->second);
  return paths;
}

std::optional<std::int64_t> LockIndex::first_end_ms() const {
  return by_end_.empty() ? std::nullopt : std::optional(by_end_.begin()->first);
}

}  // namespace callboard::server
