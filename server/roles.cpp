#include "server/roles.h"

#include <algorithm>
#include <utility>

#include "base/document/parse.h"
#include "base/limits.h"
#include "base/text.h"

namespace callboard::server {
namespace {

using P = Permission;

Permissions with(Permissions permissions, std::initializer_list<Permission> more) {
  for (const Permission each : more) permissions.add(each);
  return permissions;
}

Error in_role(std::string_view role, const std::string& why) {
  return {Outcome::refused, "role " + callboard::quoted(role) + ": " + why};
}

Result<Permissions> permissions_from(const document::Value& listed) {
  const document::Array* names = listed.array();
  if (names == nullptr) return Error{Outcome::refused, "expected an array of permissions' names"};
  if (names->size() > kRolePermissionsMax) {
    return Error{Outcome::refused, "expected at most " + std::to_string(kRolePermissionsMax) +
                                       " permissions, got " + std::to_string(names->size())};
  }
  Permissions permissions;
  for (const document::ValuePtr& each : *names) {
    const std::string* name = each->string();
    if (name == nullptr) return Error{Outcome::refused, "expected permissions' names, got something else"};
    if (auto checked = check_permission_name(*name); !checked) return checked.error();
    permissions.add(Permission(*name));
  }
  return permissions;
}

}  // namespace

Roles::Roles() {
  const Permissions viewer{P::pull};
  const Permissions artist = with(viewer, {P::serve, P::assets_write, P::messages_write, P::story_write,
                                           P::analytics_write, P::records_write, P::call, P::offer});
  const Permissions lead = with(artist, {P::kick, P::mute, P::lock_break, P::services});
  roles_ = {{"viewer", viewer}, {"artist", artist}, {"lead", lead}, {"admin", Permissions::all()}};
}

Result<Roles> Roles::from(std::string_view json) {
  const auto root = document::parse(json);
  if (!root) return root.error();
  const document::Object* object = (*root)->object();
  if (object == nullptr)
    return Error{Outcome::refused, "expected an object of roles, like {\"supervisor\": [\"kick\"]}"};
  if (object->size() > kRolesMax) {
    return Error{Outcome::refused, "expected at most " + std::to_string(kRolesMax) + " roles, got " +
                                       std::to_string(object->size())};
  }
  Roles roles;
  for (const document::Member& member : *object) {
    const bool is_name = !member.key.empty() && code_point_count(member.key) <= kUserNameMaxCodePoints &&
                         !has_control_character(member.key);
    if (!is_name) return in_role(member.key, "expected a name of 1-64 characters");
    if (roles.find(member.key) != nullptr)
      return in_role(member.key, "it is built in, give yours another name");
    auto permissions = permissions_from(*member.value);
    if (!permissions) return in_role(member.key, permissions.error().text);
    roles.roles_.push_back({member.key, std::move(*permissions)});
  }
  return roles;
}

const Role* Roles::find(std::string_view name) const {
  const auto found = std::ranges::find(roles_, name, &Role::name);
  return found == roles_.end() ? nullptr : &*found;
}

Permissions Roles::permissions_of(std::string_view role) const {
  const Role* found = find(role);
  return found == nullptr ? Permissions{} : found->permissions;
}

std::string Roles::names() const {
  std::string names;
  for (const Role& each : roles_) {
    const bool is_last = &each == &roles_.back();
    names += (names.empty() ? "" : is_last ? " or " : ", ") + escaped(each.name, kUserNameMaxCodePoints);
  }
  return names;
}

}  // namespace callboard::server
