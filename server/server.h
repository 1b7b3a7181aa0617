#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/document/schema.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/result.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/relay_shares.h"
#include "server/board/log.h"
#include "server/board/zone_shares.h"
#include "server/doorway.h"
#include "server/event.h"
#include "server/lock_policy.h"
#include "server/pace.h"
#include "server/port_choice.h"
#include "server/services/service.h"

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
  // A socket that listens already, in place of the two: of the server before this one. Taken by start().
  std::shared_ptr<Fd> listening{};
  std::uint16_t discovery_port = kDiscoveryPort;
  // Where to announce, in place of every interface's broadcast address; unless empty.
  std::vector<std::string> announce;
  bool broadcast_log = false;
  std::string software = "callboard";
  // How many may come, and what one may do. Of memory 0 means kMemoryMaxPercent of what the process may have.
  Doorway::Limits door;
  PaceLimits pace;
  // Whoever runs it starts it anew when ServerStop says so, and looks first, without waiting, whether that would
  // go well; calls `then` once, on the loop's thread. Empty: nobody does, and server.restart is refused.
  std::function<void(std::function<void(Result<void> checked)> then)> check_restart{};
  // Called once it has keys, at the start or later: what is in its memory is secret from then on. May be empty.
  std::function<void()> on_keyed{};
  Retention retention;
  Duration disk_probe_period = kDiskProbePeriod;
  Duration heartbeat = kHeartbeat;
  Duration silence = kSilenceLimit;
  Duration handshake_limit = kHandshakeLimit;
  document::Schema schema = document::Schema::built_in();  // The classes of the board's records.
  Duration grace = kGrace;  // How long a session outlives its connection; 0: it does not.
  ZoneLimits zones{};
  LockPolicy locks = LockPolicy::warn;
  net::RelayLimits relay_limits;
  std::vector<std::string> tasks;    // Programs that carry out calls (docs/calls.md).
  std::vector<std::string> plugins;  // Libraries that do (server/plugins/plugin.h).
  std::vector<Service> services;     // Of the studio's own; each calls what there is, with all permissions.
  // Of the built-in services; 0: there is none of them.
  Duration backup_period = 24h;
  Duration verify_period = 24h;
  Duration retention_period = 6h;
  Duration ping_period = 1min;
  std::shared_ptr<spdlog::logger> logger;  // Null: the process's default one.
  // Hears all that goes to the logger, and what is too little for it, as values. May be empty; asks nothing of the server.
  std::function<void(const Event&)> on_event{};
};

// How it stopped: Outcome::cancelled for stop() and aborts.
struct ServerStop {
  Outcome outcome = Outcome::done;
  std::string reason;
  // Set: it is to be started anew, with this socket, in which those wait who connect meanwhile.
  std::shared_ptr<Fd> listening{};
  // A plugin goes on, on a thread of its own: the process has to end without waiting, or tidying, for it.
  bool is_plugin_left = false;
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
  // The same, and it is to be started anew with the socket that ServerStop then has.
  void restart(std::string reason);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::server
