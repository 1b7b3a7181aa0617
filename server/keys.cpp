#include "server/keys.h"

#include "base/text.h"
#include "server/store/key_file.h"
#include "server/store/roles_file.h"

namespace callboard::server {

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
