#include "server/keys.h"

#include "base/limits.h"
#include "base/name.h"
#include "base/text.h"
#include "server/store/key_file.h"
#include "server/store/roles_file.h"

namespace callboard::server {

// More is for ever, and would overflow.
constexpr auto kGoodForMax = std::chrono::hours(24) * 365 * 1000;

Result<KeyEntry> make_key(const NewKey& wanted) {
  if (auto checked = check_name("name", wanted.name, kUserNameMaxCodePoints); !checked)
    return checked.error();
  if (wanted.good_for && (*wanted.good_for < std::chrono::seconds(1) || *wanted.good_for > kGoodForMax))
    return Error{Outcome::usage, "a key is good for 1 s to 1000 years, or for ever"};
  KeyEntry entry;
  entry.name = wanted.name;
  entry.role = wanted.role;
  entry.key = make_access_key(system_random());
  entry.created = system_clock().wall();
  entry.once = wanted.once;
  if (wanted.good_for)
    entry.expires = Timestamp{entry.created.ms + std::chrono::milliseconds(*wanted.good_for).count()};
  return entry;
}

Result<std::optional<KeyRing>> read_keys(const std::filesystem::path& data, const std::string& project) {
  return KeyFile(data, project).read();
}

Result<void> change_keys(const std::filesystem::path& data, const std::string& project,
                         const std::function<Result<void>(KeyRing&)>& change) {
  return KeyFile(data, project).update(change);
}

Result<Roles> read_roles(const std::filesystem::path& data, const std::string& project) {
  return read_roles(RolesFile(data, project));
}

Result<Roles> read_roles(const RolesFile& file) {
  const auto text = file.read();
  if (!text) return text.error();
  auto roles = Roles::from(*text);
  if (!roles) return roles.error().prefixed("roles " + callboard::quoted(file.path().native()));
  return roles;
}

}  // namespace callboard::server
