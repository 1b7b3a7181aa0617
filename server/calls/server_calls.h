#pragma once

#include <filesystem>
#include <functional>

#include "server/calls/call_registry.h"
#include "server/floor.h"

namespace callboard::server {

// What the built-in calls about the server itself ask.
struct ServerFacts {
  const Floor& floor;
  std::function<Counts()> counts;
  std::filesystem::path data;  // The folder that the board lies in.
};

// server.info, ping, disk.free. What the facts refer to outlives the registry.
void add_server_calls(CallRegistry& registry, ServerFacts facts);

}  // namespace callboard::server
