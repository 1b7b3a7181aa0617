#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/access_key.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"

namespace callboard::client {

// The `access` of a server with keys.
inline constexpr std::string_view kKeyedAccess = "key";

// A server that announced itself.
struct FoundServer {
  std::string address;
  std::uint16_t port = 0;
  std::string project;
  UniqueId id;
  std::string access;         // "open" or kKeyedAccess.
  Duration took{};            // From the question to its answer.
  bool is_proven = false;     // It has shown that it has the key of the search.
  bool has_answered = false;  // … to our own question: anybody can say again what it told everybody.
  Timestamp proven_at;        // By its clock, when last.
  std::chrono::milliseconds clock_ahead{0};  // Its clock minus ours, when it is proven.
};

struct SearchOptions {
  std::string project;  // Empty: any.
  std::uint16_t discovery_port = kDiscoveryPort;
  // IPv4 addresses to ask instead of every interface's broadcast address: for networks where broadcast is blocked.
  std::vector<std::string> ask_addresses;
  std::optional<AccessKey> key{};  // With one, servers without keys are not meant.
  Duration wait =
      1500ms;  // Longer than the announcing period, so that an unanswered question does not matter.
  std::optional<Duration>
      settle;  // Return this long after the first server was found; none: not before `wait`.
  bool first_is_enough = false;  // Return at the first server found.
};

// What one interface (or asked address) did during a search, for `discover --diagnose`.
struct InterfaceReport {
  std::string name;
  std::string address;
  std::string netmask;
  std::string asked;  // The broadcast address; empty where there is none.
  std::uint64_t sent = 0;
  std::uint64_t received = 0;  // Of our datagrams, from addresses of this interface's network.
  std::string problem;         // Why nothing could be sent; empty when everything went out.
};

struct SearchReport {
  std::vector<FoundServer> servers;  // One per server id, by its first answer, quickest first.
  std::vector<InterfaceReport> interfaces;
  std::uint64_t other_projects = 0;     // Announcements of projects that were not asked for.
  std::uint64_t ignored_datagrams = 0;  // Not ours, or broken.
  std::string problem;                  // Why announcements could not be listened for; answers still arrive.
};

// Asks, and listens until `options.wait` is over. `on_server`, if given, hears of each at once. Blocks; thread: any.
SearchReport search(const SearchOptions& options,
                    const std::function<void(const FoundServer&)>& on_server = {});

struct AbortReport {
  std::vector<FoundServer> stopped;  // Those that said they obey.
  std::vector<FoundServer> running;  // Still there afterwards.
  std::vector<InterfaceReport> interfaces;
};

// Broadcasts the abort (of `options.project`, or of every open server when empty; with a key a signed one, which those obey
// that have it, too), gathers who obeys, and looks who is still there. Blocks for about `options.wait`; thread: any.
AbortReport abort_servers(const SearchOptions& options);

}  // namespace callboard::client
