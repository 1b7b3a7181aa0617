#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "server/calls/call_registry.h"
#include "server/floor.h"

namespace callboard::server {

// How a program that the server runs beside itself, or within, is: "ready", "starting", or "failing", and why.
struct ProgramHealth {
  std::string name;  // Of its file, without the folder: everybody who is in may know it.
  std::string state;
  std::string why{};  // Empty: nothing is wrong.
};
struct Programs {
  std::vector<ProgramHealth> tasks{};
  std::vector<ProgramHealth> plugins{};
};

// What the built-in calls about the server itself ask.
struct ServerFacts {
  const Floor& floor;
  std::function<Counts()> counts;
  std::filesystem::path data;            // The folder that the board lies in.
  std::function<Programs()> programs{};  // Null: there are none.
};

// server.info, ping, disk.free. What the facts refer to outlives the registry.
void add_server_calls(CallRegistry& registry, ServerFacts facts);

}  // namespace callboard::server
