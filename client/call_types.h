#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "base/clock.h"
#include "base/id.h"

// Calls: named operations of the server, its plugins and tasks, or other workstations.
namespace callboard::client {

struct CallOptions {
  // For how long the call may be carried out; at most a day. The server then says that its time is over.
  Duration deadline = std::chrono::seconds(30);
  // What the call is known by: with the same again it is not carried out twice but answered as it was. Null: one is made.
  UniqueId op = {};
  // How far it is, as JSON, on the client's thread; the newest of what it said since the last one.
  std::function<void(std::string_view json)> on_progress = {};
};

}  // namespace callboard::client
