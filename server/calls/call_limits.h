#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits.h"
#include "protocol/call_limits.h"

namespace callboard::server {

// Calls that wait for a worker, a process, a client or a disk, of all sessions: each some KiB with its arguments, 64 KiB at
// most. Beyond it callers are told to try again.
inline constexpr std::size_t kCallsRunningMax = 1024;
// Those who wait for one call: it was asked for again over another connection.
inline constexpr std::size_t kCallWaitersMax = 8;
// Answers kept by operation id, so that who lost a connection gets the one that there was: minutes of a busy server.
inline constexpr std::size_t kCallAnswersKept = 4096;
inline constexpr std::uint64_t kCallAnswersKeptBytes = 16 * MiB;
static_assert(kCallAnswersKeptBytes >= 4 * protocol::kCallResultMax);
// What blocks is a disk, mostly: more at a time make it no faster.
inline constexpr std::size_t kCallWorkers = 2;

}  // namespace callboard::server
