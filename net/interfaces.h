#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace callboard::net {

// One IPv4 address of one network interface.
struct Interface {
  std::string name;
  std::string address;
  std::string netmask;
  // Empty where the interface cannot broadcast. For loopback the last address of its network, which this host hears.
  std::string broadcast;
  bool is_up = false;       // Switched on.
  bool is_running = false;  // Has a carrier.
  bool is_loopback = false;
  friend bool operator==(const Interface&, const Interface&) = default;
};

// As they are now, sorted by name and address. Cheap enough for once a second. Thread: any.
Result<std::vector<Interface>> interfaces();

}  // namespace callboard::net
