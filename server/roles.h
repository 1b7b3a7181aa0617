#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "server/permissions.h"

namespace callboard::server {

struct Role {
  std::string name;
  Permissions permissions;
};

// What each role permits: the built-in ones, from the least to the most, then those of the project's `roles.json`, which is
// an object of theirs: {"supervisor": ["story.write", "kick"]}. A value; pure.
class Roles {
 public:
  // The built-in ones alone.
  Roles();
  // With those of the file's text. refused: it makes no sense, said with the role's name; a built-in one is named again.
  static Result<Roles> from(std::string_view json);

  // Null: nobody knows it.
  const Role* find(std::string_view name) const;
  // Nothing for a role that nobody knows.
  Permissions permissions_of(std::string_view role) const;
  const std::vector<Role>& all() const { return roles_; }
  // "viewer, artist, lead or admin".
  std::string names() const;

 private:
  std::vector<Role> roles_;
};

}  // namespace callboard::server
