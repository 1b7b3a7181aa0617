#include "server/permissions.h"

#include "base/text.h"
#include "protocol/codec.h"
#include "server/session_host.h"

namespace callboard::server {

static_assert(Permission::story_write.is_built_in() && Permission::analytics_write.is_built_in() &&
              Permission::assets_write.is_built_in() && Permission::messages_write.is_built_in() &&
              Permission::records_write.is_built_in() && Permission::pull.is_built_in() &&
              Permission::serve.is_built_in() && Permission::call.is_built_in() &&
              Permission::offer.is_built_in() && Permission::services.is_built_in() &&
              Permission::lock_break.is_built_in() && Permission::kick.is_built_in() &&
              Permission::mute.is_built_in() && Permission::grant.is_built_in() &&
              Permission::audit.is_built_in() && Permission::log.is_built_in() &&
              Permission::stop.is_built_in() && Permission::restart.is_built_in() &&
              Permission::keys.is_built_in());
static_assert(kBuiltInPermissions.size() < 64, "a bit each");

Permissions Permissions::all() {
  Permissions permissions;
  permissions.bits_ = kAllBits;
  permissions.has_others_ = true;
  return permissions;
}

void Permissions::set(Permission permission, bool is_in) {
  if (permission.is_built_in()) {
    bits_ = is_in ? bits_ | bit(permission) : bits_ & ~bit(permission);
    return;
  }
  const auto place = std::ranges::lower_bound(others_, permission.name());
  const bool is_listed = place != others_.end() && *place == permission.name();
  const bool is_to_be_listed = is_in != has_others_;
  if (is_listed == is_to_be_listed) return;
  if (is_listed) {
    others_.erase(place);
  } else {
    others_.emplace(place, permission.name());
  }
}

// Of names beyond the built-in ones a set has those that it lists, or all but those.
bool Permissions::contains_all(const Permissions& others) const {
  if ((others.bits_ & ~bits_) != 0 || (others.has_others_ && !has_others_)) return false;
  const auto has = [&](const std::string& name) { return contains(Permission(name)); };
  if (!others.has_others_) return std::ranges::all_of(others.others_, has);
  return std::ranges::includes(others.others_, others_);
}

std::vector<std::string> Permissions::names() const {
  std::vector<std::string> names = has_others_ ? std::vector<std::string>{} : others_;
  for (const std::string_view each : kBuiltInPermissions) {
    if (contains(Permission(each))) names.emplace_back(each);
  }
  std::ranges::sort(names);
  return names;
}

Permission write_permission(protocol::DocumentRecord record) {
  return record == protocol::DocumentRecord::story ? Permission::story_write : Permission::analytics_write;
}

std::optional<Permission> needed_for(const protocol::ClientMessage& ask) {
  if (const auto* write = std::get_if<protocol::DocumentWrite>(&ask)) {
    return write_permission(write->record);
  }
  if (std::holds_alternative<protocol::AssetsChange>(ask)) return Permission::assets_write;
  // Both reach others: with words, and with whatever a channel carries.
  if (std::holds_alternative<protocol::MessageAsk>(ask)) return Permission::messages_write;
  if (std::holds_alternative<protocol::ChannelAsk>(ask)) return Permission::messages_write;
  if (std::holds_alternative<protocol::ChannelsAsk>(ask)) return Permission::serve;
  if (std::holds_alternative<protocol::GetAsk>(ask)) return Permission::pull;
  if (std::holds_alternative<protocol::AuditAsk>(ask)) return Permission::audit;
  if (std::holds_alternative<protocol::RecordAsk>(ask)) return Permission::records_write;
  return std::nullopt;
}

Result<void> check_call(const Permissions& has, std::string_view needed) {
  return check(has, needed.empty() ? Permission::call : Permission(needed));
}

Result<void> check(const Permissions& has, Permission needed) {
  if (has.contains(needed)) return {};
  return Error{Outcome::refused,
               "you lack the permission " + std::string(needed.name()) + ": ask whoever runs the server"};
}

Result<void> check_ask(const Identity& who, const protocol::ClientMessage& ask) {
  if (const auto needed = needed_for(ask)) {
    if (auto checked = check(who.permissions, *needed); !checked) return checked;
  }
  const bool is_speaking =
      std::holds_alternative<protocol::MessageAsk>(ask) || std::holds_alternative<protocol::ChannelAsk>(ask);
  return is_speaking && !who.muted.empty() ? Error{Outcome::refused, who.muted} : Result<void>();
}

}  // namespace callboard::server
