#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/message.h"

// What somebody may do, decided in one place (docs/security.md has the table). Pure.
namespace callboard::server {

enum class Permission : std::uint8_t {
  story_write,
  analytics_write,
  assets_write,
  messages_write,
  pull,
  serve,
  stop,
  records_write,
};

// "story.write", as in the documents and in refusals.
std::string_view to_text(Permission permission);

class Permissions {
 public:
  constexpr Permissions() = default;
  constexpr Permissions(std::initializer_list<Permission> granted) {
    for (const Permission each : granted) bits_ |= bit(each);
  }
  // Of everybody on an open server.
  static constexpr Permissions all() {
    Permissions permissions;
    permissions.bits_ = 0xff;
    return permissions;
  }
  friend constexpr bool operator==(const Permissions&, const Permissions&) = default;
  constexpr bool contains(Permission permission) const { return (bits_ & bit(permission)) != 0; }

 private:
  static constexpr std::uint8_t bit(Permission permission) {
    return static_cast<std::uint8_t>(1 << static_cast<unsigned>(permission));
  }
  std::uint8_t bits_ = 0;
};

// The built-in ones, from the least to the most.
struct Role {
  std::string_view name;
  Permissions permissions;
};
std::span<const Role> roles();
// Nothing for a role that nobody knows.
Permissions permissions_of(std::string_view role);

// What an ask takes; nullopt: everybody who is in may.
std::optional<Permission> needed_for(const protocol::ClientMessage& ask);
// What a document of the join takes.
Permission write_permission(protocol::DocumentRecord record);
// refused, in the same words everywhere.
Result<void> check(Permissions has, Permission needed);
// The same by name, as in a schema; one that no role has is everybody's on an open server, and nobody's with keys.
Result<void> check(Permissions has, std::string_view needed);

}  // namespace callboard::server
