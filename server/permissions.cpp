#include "server/permissions.h"

#include <algorithm>
#include <array>

#include "protocol/codec.h"

namespace callboard::server {
namespace {

using P = Permission;

constexpr std::array kRoles{
    Role{"viewer", {P::pull}},
    Role{"artist",
         {P::pull, P::serve, P::assets_write, P::messages_write, P::story_write, P::analytics_write}},
    Role{"lead", {P::pull, P::serve, P::assets_write, P::messages_write, P::story_write, P::analytics_write}},
    Role{
        "admin",
        {P::pull, P::serve, P::assets_write, P::messages_write, P::story_write, P::analytics_write, P::stop}},
};

constexpr std::array kPermissions{P::story_write, P::analytics_write, P::assets_write, P::messages_write,
                                  P::pull,        P::serve,           P::stop};

Error lacks(std::string_view needed) {
  return {Outcome::refused,
          "your key's role does not include " + std::string(needed) + ": ask whoever runs the server"};
}

}  // namespace

std::string_view to_text(Permission permission) {
  switch (permission) {
    case P::story_write:
      return "story.write";
    case P::analytics_write:
      return "analytics.write";
    case P::assets_write:
      return "assets.write";
    case P::messages_write:
      return "messages.write";
    case P::pull:
      return "pull";
    case P::serve:
      return "serve";
    case P::stop:
      return "stop";
  }
  return "";
}

std::span<const Role> roles() { return kRoles; }

Permissions permissions_of(std::string_view role) {
  const auto found = std::ranges::find(kRoles, role, &Role::name);
  return found == kRoles.end() ? Permissions{} : found->permissions;
}

Permission write_permission(protocol::DocumentRecord record) {
  return record == protocol::DocumentRecord::story ? P::story_write : P::analytics_write;
}

std::optional<Permission> needed_for(const protocol::ClientMessage& ask) {
  if (const auto* write = std::get_if<protocol::DocumentWrite>(&ask)) {
    return write_permission(write->record);
  }
  if (std::holds_alternative<protocol::AssetsChange>(ask)) return P::assets_write;
  if (std::holds_alternative<protocol::MessageAsk>(ask)) return P::messages_write;
  if (std::holds_alternative<protocol::GetAsk>(ask)) return P::pull;
  return std::nullopt;
}

Result<void> check(Permissions has, Permission needed) {
  return has.contains(needed) ? Result<void>() : lacks(to_text(needed));
}

Result<void> check_call(Permissions has, std::string_view needed) {
  if (needed.empty() || has.is_all()) return {};
  const auto known = std::ranges::find(kPermissions, needed, [](Permission each) { return to_text(each); });
  return known != kPermissions.end() && has.contains(*known) ? Result<void>() : lacks(needed);
}

}  // namespace callboard::server
