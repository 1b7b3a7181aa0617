#include "server/calls/call_registry.h"

#include <fmt/format.h>

#include <utility>

#include "base/ensure.h"
#include "base/text.h"

namespace callboard::server {

void CallRegistry::add_built_in(Call call) {
  const auto added = add(std::move(call));
  ENSURE(added);
}

Result<void> CallRegistry::add(Call call) {
  if (auto checked = check(call.description); !checked) return checked;
  const std::string name = call.description.name;
  if (calls_.contains(name)) {
    return Error{Outcome::refused, fmt::format("{}: there is a call of this name already", name)};
  }
  if (calls_.size() >= kCallDescriptionsMax) {
    return Error{Outcome::refused, fmt::format("{}: there are {} calls already", name, kCallDescriptionsMax)};
  }
  calls_.emplace(name, std::make_shared<const Call>(std::move(call)));
  list_.reset();
  return {};
}

void CallRegistry::remove(std::string_view name) {
  const auto found = calls_.find(name);
  if (found == calls_.end()) return;
  calls_.erase(found);
  list_.reset();
}

Result<CallRegistry::CallPtr> CallRegistry::find(std::string_view name) const {
  const auto found = calls_.find(name);
  if (found != calls_.end()) return found->second;
  return Error{
      Outcome::not_found,
      fmt::format("there is no call named {}; `callboard calls` lists those there are", quoted(name))};
}

const protocol::Document& CallRegistry::list() const {
  if (!list_) {
    document::Array all;
    for (const auto& [name, call] : calls_) all.push_back(to_value(call->description));
    list_ = std::make_shared<const std::string>(document::print(*document::make_value(std::move(all))));
  }
  return list_;
}

}  // namespace callboard::server
