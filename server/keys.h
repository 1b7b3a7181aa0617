#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "server/board/key_ring.h"
#include "server/roles.h"

namespace callboard::server {

class RolesFile;

// The keys of a project's server, on its machine; whether it runs or not. Blocking. A running server knows of a change before it
// lets in anybody else.

// A key that is to be made.
struct NewKey {
  std::string name;
  std::string role = "artist";
  std::optional<std::chrono::seconds> good_for;  // From now on; nullopt: until it is revoked.
  bool once = false;
};
// usage: the name is none, or it is to be good for no time or more than a thousand years.
Result<KeyEntry> make_key(const NewKey& wanted);

// nullopt: it has none, and is open.
Result<std::optional<KeyRing>> read_keys(const std::filesystem::path& data, const std::string& project);
// Changes what there is, or an empty ring. When `change` fails nothing is changed. On disk when it returns.
Result<void> change_keys(const std::filesystem::path& data, const std::string& project,
                         const std::function<Result<void>(KeyRing&)>& change);
// The built-in roles and those of its `roles.json`. The error names the file.
Result<Roles> read_roles(const std::filesystem::path& data, const std::string& project);
Result<Roles> read_roles(const RolesFile& file);

}  // namespace callboard::server
