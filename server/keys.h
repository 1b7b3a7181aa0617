#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "server/board/key_ring.h"
#include "server/roles.h"

namespace callboard::server {

class RolesFile;

// The keys of a project's server, for who stands at its machine; whether it runs or not. Blocking. A running server knows
// of a change before it lets in anybody else.

// nullopt: it has none, and is open.
Result<std::optional<KeyRing>> read_keys(const std::filesystem::path& data, const std::string& project);
// Changes what there is, or an empty ring. When `change` fails nothing is changed. On disk when it returns.
Result<void> change_keys(const std::filesystem::path& data, const std::string& project,
                         const std::function<Result<void>(KeyRing&)>& change);
// The built-in roles and those of its `roles.json`. The error names the file.
Result<Roles> read_roles(const std::filesystem::path& data, const std::string& project);
Result<Roles> read_roles(const RolesFile& file);

}  // namespace callboard::server
