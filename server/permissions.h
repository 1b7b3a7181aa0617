#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/permission_name.h"
#include "base/result.h"
#include "protocol/message.h"

// What somebody may do, decided in one place (docs/security.md has the table). Pure.
namespace callboard::server {

struct Identity;

// The permissions that the program itself asks for. Their order means nothing.
inline constexpr std::array<std::string_view, 19> kBuiltInPermissions{"story.write",   "analytics.write",
                                                                      "assets.write",  "messages.write",
                                                                      "records.write", "pull",
                                                                      "serve",         "call",
                                                                      "offer",         "services",
                                                                      "lock.break",    "kick",
                                                                      "mute",          "grant",
                                                                      "audit",         "log",
                                                                      "stop",          "restart",
                                                                      "keys"};

// A permission by its name: "story.write". The built-in ones are the constants below; roles, calls and classes of a studio's
// own may name any other. Does not own the name, which has to outlive it.
class Permission {
 public:
  explicit constexpr Permission(std::string_view name) : name_(name), number_(number_of(name)) {}

  constexpr std::string_view name() const { return name_; }
  constexpr bool is_built_in() const { return number_ < kBuiltInPermissions.size(); }
  // Of a built-in one, its place in kBuiltInPermissions.
  constexpr std::size_t number() const { return number_; }
  friend constexpr bool operator==(Permission a, Permission b) { return a.name_ == b.name_; }

  static const Permission story_write, analytics_write, assets_write, messages_write, records_write, pull,
      serve, call, offer, services, lock_break, kick, mute, grant, audit, log, stop, restart, keys;

 private:
  static constexpr std::size_t number_of(std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(kBuiltInPermissions, name) -
                                    kBuiltInPermissions.begin());
  }
  std::string_view name_;
  std::size_t number_;
};

inline constexpr Permission Permission::story_write("story.write");
inline constexpr Permission Permission::analytics_write("analytics.write");
inline constexpr Permission Permission::assets_write("assets.write");
inline constexpr Permission Permission::messages_write("messages.write");
inline constexpr Permission Permission::records_write("records.write");
inline constexpr Permission Permission::pull("pull");
inline constexpr Permission Permission::serve("serve");
inline constexpr Permission Permission::call("call");
inline constexpr Permission Permission::offer("offer");
inline constexpr Permission Permission::services("services");
inline constexpr Permission Permission::lock_break("lock.break");
inline constexpr Permission Permission::kick("kick");
inline constexpr Permission Permission::mute("mute");
inline constexpr Permission Permission::grant("grant");
inline constexpr Permission Permission::audit("audit");
inline constexpr Permission Permission::log("log");
inline constexpr Permission Permission::stop("stop");
inline constexpr Permission Permission::restart("restart");
inline constexpr Permission Permission::keys("keys");

// A set of them: one bit for each built-in one, the names of the others.
class Permissions {
 public:
  Permissions() = default;
  Permissions(std::initializer_list<Permission> granted) {
    for (const Permission each : granted) add(each);
  }
  // Also those that nobody has thought of: of an admin, and of everybody on an open server.
  static Permissions all();

  bool contains(Permission permission) const {
    return permission.is_built_in() ? (bits_ & bit(permission)) != 0
                                    : is_other(permission.name()) != has_others_;
  }
  // Whether they are all in this one.
  bool contains_all(const Permissions& others) const;
  // Whether it is all().
  bool is_all() const { return has_others_ && bits_ == kAllBits && others_.empty(); }
  void add(Permission permission) { set(permission, true); }
  void remove(Permission permission) { set(permission, false); }
  // Those of the set by name, in order; of all(), the built-in ones.
  std::vector<std::string> names() const;
  friend bool operator==(const Permissions&, const Permissions&) = default;

 private:
  static constexpr std::uint64_t kAllBits = (std::uint64_t{1} << kBuiltInPermissions.size()) - 1;
  static constexpr std::uint64_t bit(Permission permission) {
    return std::uint64_t{1} << permission.number();
  }
  bool is_other(std::string_view name) const { return std::ranges::binary_search(others_, name); }
  void set(Permission permission, bool is_in);

  std::uint64_t bits_ = 0;
  bool has_others_ = false;          // All that are not built in, but for …
  std::vector<std::string> others_;  // … these; otherwise these alone. Sorted.
};

// What an ask takes; nullopt: everybody who is in may.
std::optional<Permission> needed_for(const protocol::ClientMessage& ask);
// What a document of the join takes.
Permission write_permission(protocol::DocumentRecord record);
// refused, in the same words everywhere.
Result<void> check(const Permissions& has, Permission needed);
// Whether somebody may ask that.
Result<void> check_ask(const Identity& who, const protocol::ClientMessage& ask);
// What a call takes, by the permission's name: `call` when it names none.
Result<void> check_call(const Permissions& has, std::string_view needed);

}  // namespace callboard::server
