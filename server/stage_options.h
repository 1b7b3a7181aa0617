#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "base/document/schema.h"
#include "base/limits.h"
#include "protocol/turn.h"
#include "server/board/kept_sessions.h"
#include "server/board/log.h"
#include "server/board/zone_shares.h"
#include "server/calls/server_calls.h"
#include "server/doorway.h"
#include "server/floor.h"
#include "server/gate.h"
#include "server/lock_policy.h"
#include "server/pace.h"

namespace callboard::server {

// How a Stage is to run.
struct StageOptions {
  ServerIdentity identity;
  protocol::TurnLimits limits;
  Duration handshake_limit = kHandshakeLimit;
  Doorway::Limits door;
  PaceLimits pace;
  Retention retention;
  Duration disk_probe_period = kDiskProbePeriod;
  Duration grace = kGrace;                       // 0: nobody is kept when its connection is lost.
  KeptSessions kept{};                           // Of the server before this one.
  std::function<Result<void>(ByteView)> keep{};  // Writes the like, on a worker. Null: nothing is kept.
  std::optional<Gate::Source> keys{};            // None: open, whatever happens.
  document::Schema schema = document::Schema::built_in();
  ZoneLimits zones{};
  LockPolicy locks = LockPolicy::warn;
  std::filesystem::path data{};          // The folder that the board lies in.
  std::function<Programs()> programs{};  // How what is run beside it is.
  std::function<void()> on_keyed{};      // There are keys, from the beginning or from now on.
};

}  // namespace callboard::server
