#include "server/permissions.h"

#include <algorithm>
#include <array>

#include "protocol/codec.h"

namespace callboard::server {
namespace {

using P = Permission;

constexpr Permissions kArtist{P::pull,        P::serve,           P::assets_write, P::messages_write,
                              P::story_write, P::analytics_write, P::records_write};

constexpr std::array kRoles{
    Role{"viewer", {P::pull}},
    Role{"artist", kArtist},
    Role{"lead", kArtist},
    Role{"admin",
         {P::pull, P::serve, P::assets_write, P::messages_write, P::story_write, P::analytics_write,
          P::records_write, P::stop}},
};

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
    case P::records_write:
      return "records.write";
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
  if (std::holds_alternative<protocol::RecordAsk>(ask)) return P::records_write;
  return std::nullopt;
}

Result<void> check(Permissions has, Permission needed) {
  if (has.contains(needed)) return {};
  return Error{Outcome::refused, "your key's role does not include " + std::string(to_text(needed)) +
                                     ": ask whoever runs the server"};
}

Result<void> check(Permissions has, std::string_view needed) {
  for (const P known : {P::story_write, P::analytics_write, P::assets_write, P::messages_write, P::pull,
                        P::serve, P::stop, P::records_write}) {
    if (to_text(known) == needed) return check(has, known);
  }
  if (has == Permissions::all()) return {};
  return Error{Outcome::refused,
               "your key's role does not include " + std::string(needed) + ": ask whoever runs the server"};
}

}  // namespace callboard::server
