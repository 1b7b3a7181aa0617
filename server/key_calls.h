#pragma once

#include <filesystem>
#include <string>

#include "net/loop.h"
#include "server/calls/call_registry.h"

namespace callboard::server {

class People;

// Whose keys.
struct KeysOf {
  std::filesystem::path data;
  std::string project;
};

// key.list, key.add, key.rotate, key.revoke: what `callboard key` does on the server's machine, for who is in with a key and
// has the permission `keys`. Nobody makes, replaces or revokes a key that permits what they may not, or their own; what they
// may is looked up when it is done. A secret is in the answer alone. They have a thread of their own: no long work of others
// keeps a key from being revoked. `loop` and `people` outlive the registry.
void add_key_calls(CallRegistry& registry, net::Loop& loop, const People& people, KeysOf of);

}  // namespace callboard::server
