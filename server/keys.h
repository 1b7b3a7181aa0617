#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "server/board/key_ring.h"

namespace callboard::server {

// The keys of a project's server, for who stands at its machine; whether it runs or not. Blocking. A running server knows
// of a change before it lets in anybody else.

// nullopt: it has none, and is open.
Result<std::optional<KeyRing>> read_keys(const std::filesystem::path& data, const std::string& project);
// Changes what there is, or an empty ring. When `change` fails nothing is changed. On disk when it returns.
Result<void> change_keys(const std::filesystem::path& data, const std::string& project,
                         const std::function<Result<void>(KeyRing&)>& change);

}  // namespace callboard::server
