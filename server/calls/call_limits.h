#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "base/limits.h"
#include "protocol/call_limits.h"

namespace callboard::server {

// Calls that wait for a worker, a process, a client or a disk, of all sessions: each some KiB with its arguments, 64 KiB at
// most. Beyond it callers are told to try again.
inline constexpr std::size_t kCallsRunningMax = 1024;
// Of those, the ones of one session: a script hands a farm its hundred frames. And of one person (a key; on an open server
// an address): a quarter, so that one alone leaves the others theirs.
inline constexpr std::size_t kCallsRunningPerSession = 128;
inline constexpr std::size_t kCallsRunningPerOrigin = 256;
static_assert(kCallsRunningPerSession < kCallsRunningPerOrigin &&
              kCallsRunningPerOrigin <= kCallsRunningMax / 4);
// Those who wait for one call: it was asked for again over another connection.
inline constexpr std::size_t kCallWaitersMax = 8;
// Answers kept by operation id, so that who lost a connection gets the one that there was: minutes of a busy server.
inline constexpr std::size_t kCallAnswersKept = 4096;
inline constexpr std::uint64_t kCallAnswersKeptBytes = 16 * MiB;
static_assert(kCallAnswersKeptBytes >= 4 * protocol::kCallResultMax);
// Calls that one client offers, and that it has to carry out at a time: a render farm's node does a few.
inline constexpr std::size_t kCallsPerClient = 64;
inline constexpr std::size_t kCallsGivenMax = 64;
// How long a server that stops waits for what is being written down: for one change of the keys that waits for their file. Who
// changes them behind that one is not waited for.
inline constexpr auto kWrittenLimit = 6s;
// How long after an answer a server that stops says goodbye: it is told when the asker has handed back the turn.
inline constexpr auto kAnswerLimit = 100ms;
// What blocks is a disk, mostly: more at a time make it no faster.
inline constexpr std::size_t kCallWorkers = 2;

}  // namespace callboard::server
