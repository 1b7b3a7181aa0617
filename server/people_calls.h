#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "server/calls/call_registry.h"
#include "server/people.h"

namespace callboard::server {

// Whether something asks for a permission of that name.
using KnowsPermission = std::function<bool(const std::string& permission)>;

// kick, redirect, mute, unmute, grant, revoke. `people` outlives the registry. What nothing knows is granted, too, since a
// program of the studio's own may ask for it, and said in the answer.
void add_people_calls(CallRegistry& registry, People& people, KnowsPermission knows);

// What can be done to the server as a whole; each begins a moment later, so that who asked is answered before.
struct ServerControl {
  std::function<void(const std::string& reason)> stop;
  // Whether restart() would go well. `then` is called once, perhaps later, or not at all where the server stops meanwhile.
  // refused: the program that this server is a part of cannot do it.
  std::function<void(std::function<void(const Result<void>& checked)> then)> check_restart;
  std::function<void(const std::string& reason)> restart;
};

// server.stop, server.restart, noted in the audit.
void add_control_calls(CallRegistry& registry, People& people, ServerControl control);

}  // namespace callboard::server
