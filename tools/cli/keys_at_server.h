#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "server/keys.h"
#include "tools/cli/program.h"

// `callboard key` from a workstation: the calls key.list, key.add, key.rotate and key.revoke of the running server.
namespace callboard::cli {

struct KeyWords {
  std::string name;
  std::string role = "artist";
  std::string expires;
  bool once = false;
};

// Whether the server is meant: --server or --key-file is given, or there is a key to be in with, and no --data.
Result<bool> asks_server_for_keys(const Run& run);

Result<void> add_key_at_server(Run& run, const KeyWords& words);
Result<void> rotate_key_at_server(Run& run, const KeyWords& words);
Result<void> revoke_key_at_server(Run& run, const KeyWords& words);
Result<void> list_keys_at_server(Run& run);

// --- Both ways alike --------------------------------------------------------------------------------------------------

// What --expires says; nullopt: nothing.
Result<std::optional<std::chrono::seconds>> good_for_of(const KeyWords& words);
// The one time that a secret is shown.
void show_key_made(Run& run, const server::KeyEntry& entry);
void show_key(Run& run, const server::KeyEntry& entry);
void show_key_revoked(Run& run, const std::string& name);

}  // namespace callboard::cli
