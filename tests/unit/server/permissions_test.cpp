// What roles permit, and what a role's name, or a permission's, may be.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "server/keys.h"
#include "server/roles.h"
#include "server/store/roles_file.h"
#include "tests/unit/server/keyed_studio.h"

namespace callboard::permissions_test {
using namespace callboard::server;
using Catch::Contains;

TEST_CASE("a set of permissions has what was added and not what was removed, built in or not") {
  Permissions some{Permission::pull, Permission("review.approve")};
  CHECK(some.contains(Permission::pull));
  CHECK(some.contains(Permission("pull")));
  CHECK(some.contains(Permission("review.approve")));
  CHECK_FALSE(some.contains(Permission("review.delete")));
  CHECK_FALSE(some.contains(Permission::serve));
  CHECK(some.names() == std::vector<std::string>{"pull", "review.approve"});
  some.remove(Permission("review.approve"));
  some.remove(Permission("review.delete"));
  some.remove(Permission::pull);
  CHECK(some == Permissions{});
  CHECK(some.names().empty());
}

TEST_CASE("who may everything may also what nobody thought of, but for what is taken away") {
  Permissions all = Permissions::all();
  CHECK(all.is_all());
  for (const std::string_view each : kBuiltInPermissions) CHECK(all.contains(Permission(each)));
  CHECK(all.contains(Permission("review.approve")));
  CHECK(all.names().size() == kBuiltInPermissions.size());
  all.remove(Permission("review.approve"));
  all.remove(Permission::stop);
  CHECK_FALSE(all.is_all());
  CHECK_FALSE(all.contains(Permission("review.approve")));
  CHECK_FALSE(all.contains(Permission::stop));
  CHECK(all.contains(Permission("review.delete")));
  all.add(Permission("review.approve"));
  all.add(Permission::stop);
  CHECK(all.is_all());
}

TEST_CASE(
    "one set has all of another when it has each of its permissions, those nobody thought of included") {
  const Permissions all = Permissions::all();
  const Permissions some{Permission::pull, Permission("review.approve")};
  CHECK(all.contains_all(all));
  CHECK(all.contains_all(some));
  CHECK_FALSE(some.contains_all(all));
  CHECK(some.contains_all(some));
  CHECK(some.contains_all({Permission::pull}));
  CHECK_FALSE(some.contains_all({Permission::pull, Permission::keys}));
  CHECK_FALSE(some.contains_all({Permission("review.delete")}));
  Permissions most = all;
  most.remove(Permission("review.approve"));
  CHECK_FALSE(most.contains_all(all));
  CHECK_FALSE(most.contains_all(some));
  CHECK(all.contains_all(most));
  CHECK(most.contains_all({Permission("review.delete")}));
  Permissions fewer = most;
  fewer.remove(Permission::stop);
  CHECK(most.contains_all(fewer));
  CHECK_FALSE(fewer.contains_all(most));
}

TEST_CASE("a permission's name is of small letters, digits and three signs") {
  for (const char* good : {"a", "story.write", "td-2_x", "0"}) CHECK(check_permission_name(good));
  CHECK(check_permission_name(std::string(64, 'a')));
  for (const std::string& bad : {std::string(), std::string("A"), std::string("a b"), std::string("a\n"),
                                 std::string("ä"), std::string(65, 'a'), std::string("*")}) {
    INFO(bad);
    CHECK_FALSE(check_permission_name(bad));
  }
}

TEST_CASE("the built-in roles permit what the table in the documents says") {
  const Roles roles;
  const std::vector<std::string> artist{"analytics.write", "assets.write", "call",
                                        "messages.write",  "offer",        "pull",
                                        "records.write",   "serve",        "story.write"};
  const std::vector<std::string> lead{
      "analytics.write", "assets.write", "call",          "kick",  "lock.break", "messages.write", "mute",
      "offer",           "pull",         "records.write", "serve", "services",   "story.write"};
  CHECK(roles.permissions_of("viewer").names() == std::vector<std::string>{"pull"});
  CHECK(roles.permissions_of("artist").names() == artist);
  CHECK(roles.permissions_of("lead").names() == lead);
  CHECK(roles.permissions_of("admin").is_all());
  CHECK(roles.permissions_of("king") == Permissions{});
  CHECK(roles.names() == "viewer, artist, lead or admin");
}

TEST_CASE("a studio's own roles stand beside the built-in ones, with permissions of whatever name") {
  const auto roles = Roles::from(R"({"supervisor": ["story.write", "kick", "review.approve"], "guest": []})");
  REQUIRE(roles);
  const Permissions supervisor = roles->permissions_of("supervisor");
  CHECK((supervisor.contains(Permission::kick) && supervisor.contains(Permission("review.approve"))));
  CHECK_FALSE(supervisor.contains(Permission::pull));
  CHECK(roles->find("guest") != nullptr);
  CHECK(roles->permissions_of("guest") == Permissions{});
  CHECK(roles->permissions_of("artist") == Roles().permissions_of("artist"));
  CHECK(roles->names() == "viewer, artist, lead, admin, supervisor or guest");
}

TEST_CASE("roles that make no sense are refused, by name") {
  const auto refusal = [](const std::string& json) {
    const auto roles = Roles::from(json);
    REQUIRE_FALSE(roles);
    return roles.error().text;
  };
  CHECK_THAT(refusal("["), Contains("byte"));
  CHECK_THAT(refusal("[]"), Contains("expected an object"));
  CHECK_THAT(refusal(R"({"td": "kick"})"), Contains("role \"td\"") && Contains("array"));
  CHECK_THAT(refusal(R"({"td": [1]})"), Contains("role \"td\""));
  CHECK_THAT(refusal(R"({"td": ["Kick"]})"), Contains("role \"td\"") && Contains("\"Kick\""));
  CHECK_THAT(refusal(R"({"admin": []})"), Contains("role \"admin\"") && Contains("built in"));
  CHECK_THAT(refusal(R"({"": []})"), Contains("role \"\""));
  std::string many = "{";
  for (std::size_t i = 0; i <= kRolesMax; ++i) many += (i > 0 ? ",\"r" : "\"r") + std::to_string(i) + "\":[]";
  CHECK_THAT(refusal(many + "}"), Contains("at most 256 roles, got 257"));
  std::string much = R"({"td": ["a")";
  for (std::size_t i = 0; i < kRolePermissionsMax; ++i) much += ",\"p" + std::to_string(i) + "\"";
  CHECK_THAT(refusal(much + "]}"), Contains("at most 256 permissions"));
}

TEST_CASE("the file of the roles is not read when others could have written it, and a missing one is none") {
  const TemporaryFolder folder;
  const RolesFile file(folder.path(), "p");
  CHECK(*file.read() == "{}");
  std::filesystem::create_directories(folder.path() / "p");
  std::ofstream(file.path()) << R"({"td": ["kick"]})";
  REQUIRE(::chmod(file.path().c_str(), 0644) == 0);
  const auto roles = read_roles(folder.path(), "p");
  REQUIRE(roles);
  CHECK(roles->permissions_of("td").contains(Permission::kick));
  REQUIRE(::chmod(file.path().c_str(), 0664) == 0);
  const auto refused = read_roles(folder.path(), "p");
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Contains("chmod go-w") && Contains("roles.json"));
  REQUIRE(::chmod(file.path().c_str(), 0600) == 0);
  std::ofstream(file.path()) << "{";
  CHECK_THAT(read_roles(folder.path(), "p").error().text, Contains("roles.json"));
}

TEST_CASE(
    "what a role permits changes for those who are here as soon as the file does, and a broken one changes "
    "nothing") {
  KeyedStudio studio;
  studio.write_roles(R"({"td": ["messages.write"]})");
  auto td = studio.join_with(studio.add("td", "td"));
  protocol::MessageAsk say{.id = 0, .text = "hello", .op = UniqueId{1, 1}};
  CHECK(refused_for(*td, say) == "");
  // The server looks before it lets in anybody.
  const AccessKey witness = studio.add("witness");
  const auto rewrite = [&](const std::string& json) {
    studio.write_roles(json);
    static_cast<void>(studio.join_with(witness));
  };
  rewrite(R"({"td": ["messages)");
  say.op = UniqueId{2, 2};
  CHECK(refused_for(*td, say) == "");
  rewrite(R"({"td": ["pull"]})");
  say.op = UniqueId{3, 3};
  CHECK(refused_for(*td, say) == "messages.write: ask whoever runs the server");
  rewrite(R"({"other": ["messages.write"]})");
  CHECK(refused_for(*td, say) == "messages.write: ask whoever runs the server");
}

}  // namespace callboard::permissions_test
