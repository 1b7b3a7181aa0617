#include "server/calls/call_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"

namespace callboard::server {

void CallRegistry::add_built_in(Call call) {
  const auto added = add(std::move(call));
  ENSURE(added);
}

Result<void> CallRegistry::add(Call call) {
  const std::string name = call.description.name;
  return add_as(name, std::move(call), Listed::yes);
}

Result<void> CallRegistry::add_as(const std::string& name, Call call, Listed listed) {
  if (auto checked = check(call.description); !checked) return checked;
  if (calls_.contains(name)) {
    return Error{Outcome::refused, fmt::format("{}: there is a call of this name already", name)};
  }
  if (calls_.size() >= kCallDescriptionsMax) {
    return Error{Outcome::refused, fmt::format("{}: there are {} calls already", name, kCallDescriptionsMax)};
  }
  calls_.emplace(name, Entry{std::make_shared<const Call>(std::move(call)), listed == Listed::yes});
  list_.reset();
  return {};
}

void CallRegistry::remove(std::string_view name) {
  const auto found = calls_.find(name);
  if (found == calls_.end()) return;
  last_found_ = nullptr;
  calls_.erase(found);
  list_.reset();
}

Result<CallRegistry::CallPtr> CallRegistry::find(std::string_view name) const {
  if (last_found_ == nullptr || last_found_->first != name) {
    const auto found = calls_.find(name);
    if (found == calls_.end()) {
      return Error{
          Outcome::not_found,
          fmt::format("there is no call named {}; `callboard calls` lists those there are", quoted(name))};
    }
    last_found_ = &*found;
  }
  return last_found_->second.call;
}

bool CallRegistry::asks_for(std::string_view permission) const {
  return std::ranges::any_of(
      calls_, [&](const auto& each) { return each.second.call->description.permission == permission; });
}

const protocol::Document& CallRegistry::list() const {
  if (!list_) {
    std::map<std::string_view, const Call*> listed;
    for (const auto& [name, entry] : calls_) {
      if (entry.is_listed) listed.emplace(name, entry.call.get());
    }
    document::Array all;
    for (const auto& [name, call] : listed) all.push_back(to_value(call->description));
    list_ = std::make_shared<const std::string>(document::print(*document::make_value(std::move(all))));
  }
  return list_;
}

}  // namespace callboard::server
