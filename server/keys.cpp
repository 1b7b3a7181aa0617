#include "server/keys.h"

#include "server/store/key_file.h"

namespace callboard::server {

Result<std::optional<KeyRing>> read_keys(const std::filesystem::path& data, const std::string& project) {
  return KeyFile(data, project).read();
}

Result<void> change_keys(const std::filesystem::path& data, const std::string& project,
                         const std::function<Result<void>(KeyRing&)>& change) {
  return KeyFile(data, project).update(change);
}

}  // namespace callboard::server
