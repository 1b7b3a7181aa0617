#include "server/board/assets.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/limits.h"

namespace callboard::server {
namespace {

// Of two of one age that of the session that was there before: the other is its copy, perhaps of a part.
bool is_newer(const Copy& a, const Copy& b) {
  return std::tie(a.timestamp, b.session) > std::tie(b.timestamp, a.session);
}

// The order of copies does not matter: there are as many as workstations, and the newest is looked for.
template <class Copies>
auto of_session(Copies& copies, SessionId session) {
  return std::find_if(copies.begin(), copies.end(),
                      [&](const Copy& copy) { return copy.session == session; });
}

}  // namespace

Assets::Assets() : newest_(kItemsOnBoardMax) {}

bool Assets::set(SessionId session, const std::string& item, Timestamp timestamp, const CopyTold& told) {
  auto& own = by_session_[session];
  auto it = copies_.find(item);
  const bool is_held = it != copies_.end() && own.contains(&it->first);
  if (!is_held && own.size() >= kItemsMax) return false;
  if (it == copies_.end()) {
    if (copies_.size() >= kItemsOnBoardMax) return false;
    it = copies_.emplace(item, Copies{}).first;
  }
  timestamp = later_than_seen(it->second, {session, timestamp}, told);
  if (!is_held) {
    own.emplace(&it->first, std::monostate{});
    it->second.push_back({{session, timestamp}, told});
  } else if (const auto copy = of_session(it->second, session); copy->timestamp != timestamp) {
    *copy = {{session, timestamp}, told};
  }
  tell_newest(it->first, it->second);
  return true;
}

// Of one that is told of again, and would be older, what it was stays.
Timestamp Assets::later_than_seen(const Copies& copies, const Copy& copy, const CopyTold& told) {
  // What the time may differ by that is told of one change again, when the clocks were measured anew between.
  constexpr auto kMeasuringError = 1s;
  if (!told.made) return copy.timestamp;
  Timestamp newest{};
  for (const Held& each : copies) {
    const bool is_again = each.session == copy.session && each.told.made &&
                          std::chrono::abs(*each.told.made - *told.made) <= kMeasuringError;
    if (is_again && each.timestamp > copy.timestamp) return each.timestamp;
    if (each.told.now <= *told.made) newest = std::max(newest, each.timestamp);
  }
  return newest > copy.timestamp ? Timestamp{newest.ms + 1} : copy.timestamp;
}

void Assets::remove(SessionId session, const std::string& item) {
  const auto own = by_session_.find(session);
  const auto it = copies_.find(item);
  if (own == by_session_.end() || it == copies_.end() || own->second.erase(&it->first) == 0) return;
  drop(session, it->first);
}

void Assets::leave(SessionId session) {
  const auto own = by_session_.extract(session);
  if (own.empty()) return;
  for (const auto& [item, nothing] : own.mapped()) drop(session, *item);
}

void Assets::retain(SessionId session, const std::function<bool(const std::string& item)>& is_kept) {
  const auto own = by_session_.find(session);
  if (own == by_session_.end()) return;
  std::vector<std::string> gone;
  for (const auto& [item, nothing] : own->second) {
    if (!is_kept(*item)) gone.push_back(*item);
  }
  for (const std::string& item : gone) remove(session, item);
}

void Assets::drop(SessionId session, const std::string& item) {
  const auto it = copies_.find(item);
  const auto copy = of_session(it->second, session);
  *copy = it->second.back();
  it->second.pop_back();
  tell_newest(item, it->second);
  if (it->second.empty()) copies_.erase(it);
}

void Assets::tell_newest(const std::string& item, const Copies& copies) {
  if (copies.empty()) {
    newest_.remove(item, {});
    return;
  }
  const Copy best = *std::min_element(copies.begin(), copies.end(), is_newer);
  const Copy* told = newest_.find(item);
  if (told == nullptr || !(*told == best)) newest_.set(item, best);
}

Copy Assets::newest_of(std::string_view item, const std::function<bool(SessionId)>& is_wanted) const {
  Copy best;
  const auto it = copies_.find(std::string(item));
  if (it == copies_.end()) return best;
  for (const Copy& copy : it->second) {
    if (is_wanted(copy.session) && (!best.session || is_newer(copy, best))) best = copy;
  }
  return best;
}

std::size_t Assets::items_of(SessionId session) const {
  const auto it = by_session_.find(session);
  return it == by_session_.end() ? 0 : it->second.size();
}

std::vector<std::string_view> enclosing_items(std::string_view item) {
  std::vector<std::string_view> result;
  while (item.size() > 1) {
    result.push_back(item);
    const auto slash = item.rfind('/');
    item = slash == std::string_view::npos ? std::string_view() : item.substr(0, slash);
  }
  result.push_back("/");
  return result;
}

}  // namespace callboard::server
