#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/result.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/relay_shares.h"
#include "server/board/log.h"
#include "server/port_choice.h"

namespace spdlog {
class logger;
}

namespace callboard::server {

struct ServerOptions {
  std::string project;
  std::filesystem::path data;  // Each project has a folder of its own in it.
  // A backup to begin with; refused where there is a board already. Empty: none.
  std::filesystem::path restore{};
  std::string listen = "0.0.0.0";
  std::uint16_t port = kSessionPort;  // 0: any free one.
  // Data connections are told to come to the first of these that is free; none: to the session port, as any may.
  PortChoice data_ports{};
  std::uint16_t discovery_port = kDiscoveryPort;
  // Where to announce, in place of every interface's broadcast address; unless empty.
  std::vector<std::string> announce;
  bool broadcast_log = false;
  std::string software = "callboard";
  std::size_t unadmitted_max = kUnadmittedMax;
  Retention retention;
  Duration disk_probe_period = kDiskProbePeriod;
  Duration heartbeat = kHeartbeat;
  Duration silence = kSilenceLimit;
  Duration handshake_limit = kHandshakeLimit;
  Duration grace = kGrace;  // How long a session outlives its connection; 0: it does not.
  net::RelayLimits relay_limits;
  std::vector<std::string> tasks;          // Programs that carry out calls (docs/calls.md).
  std::vector<std::string> plugins;        // Libraries that do (server/plugins/plugin.h).
  Duration backup_period = 24h;            // 0: no service does.
  std::shared_ptr<spdlog::logger> logger;  // Null: the process's default one.
};

// How it stopped: Outcome::cancelled for stop() and aborts.
struct ServerStop {
  Outcome outcome = Outcome::done;
  std::string reason;
};

// The server of one project: its board, its sessions, its transfers, its announcements. Runs on the given loop, whose
// thread makes all calls; the loop outlives it. It may be destroyed once it stopped, or before the loop runs again;
// destroying it earlier cuts all sessions off, but loses nothing that was acknowledged.
class Server {
 public:
  // Blocking (it reads the board), then listening. One that fails, because of its port, say, leaves no board behind where there
  // was none. `on_stopped` is called once, when stop() or an abort has run its course and the database is closed; the
  // server may be destroyed in it.
  static Result<std::unique_ptr<Server>> start(net::Loop& loop, ServerOptions options,
                                               std::function<void(const ServerStop&)> on_stopped);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Where it listens, with the actual port.
  net::Endpoint listening() const;
  // Where data connections are told to come to; 0: to the session port.
  std::uint16_t data_port() const;
  UniqueId id() const;

  // For all transfers, those that run included, from now on.
  void set_relay_limits(const net::RelayLimits& limits);

  // Says `bye` to everybody with this reason and closes in order, within kFarewellLimit and the disk's time. Further
  // calls do nothing.
  void stop(std::string reason);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::server
