#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "client/types.h"

namespace callboard::client {

struct SearchOptions {
  std::string project;  // Empty: any.
  std::uint16_t discovery_port = kDiscoveryPort;
  Duration wait = 2s;
  bool first_is_enough = false;  // Return at the first server found.
};

// What one interface did during a search, for `discover --diagnose`.
struct InterfaceReport {
  std::string name;
  std::string address;
  std::string broadcast;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::string problem;  // Empty when everything went out.
};

struct SearchReport {
  std::vector<FoundServer> servers;  // One per server id, the first address that answered; sorted by `took`.
  std::vector<InterfaceReport> interfaces;
  std::uint64_t ignored_datagrams = 0;  // Not ours, broken, or of another project.
  std::string problem;                  // The discovery port could not be had, …
};

// Asks every interface's broadcast address and listens; blocks up to `wait`. Thread: any.
SearchReport search(const SearchOptions& options);

struct AbortReport {
  std::vector<FoundServer> stopped;  // Those that said so.
  std::vector<FoundServer> running;  // Seen before, and still there afterwards.
  std::vector<InterfaceReport> interfaces;
};

// Broadcasts the abort (of `project`, or of every open server when empty) and waits for who obeys.
AbortReport abort_servers(const SearchOptions& options);

}  // namespace callboard::client
