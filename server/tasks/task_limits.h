#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "base/limits.h"

namespace callboard::server {

// From its start until a task has told its calls: an interpreter with its libraries from a slow disk.
inline constexpr auto kTaskReadyLimit = 30s;
// A call that nobody waits for any more holds up those behind it with the same state: for so long, then the task is killed.
inline constexpr auto kTaskCancelLimit = 10s;
// From `exit` on until it has told what it leaves and has ended; then it is told by a signal, and soon after killed.
inline constexpr auto kTaskExitLimit = 3s;
inline constexpr auto kTaskTermLimit = 1s;
// Before that, until all is on disk that its last calls changed: one that takes a backup can be that slow.
inline constexpr auto kTaskCommitLimit = 30s;
// One that closes its output answers no more, and ends soon by itself.
inline constexpr auto kTaskClosedLimit = 1s;
struct TaskExitLimits {
  Duration commit = kTaskCommitLimit;
  Duration exit = kTaskExitLimit;
  Duration closed = kTaskClosedLimit;
};
// Between an end and the next start; doubled each time, and from the beginning again after a minute that went well.
inline constexpr auto kTaskPauseMin = 500ms;
inline constexpr auto kTaskPauseMax = 30s;
inline constexpr auto kTaskGoodRun = 60s;
// Calls that one task has, or that wait for a state of its own.
inline constexpr std::size_t kTaskCallsMax = 256;
static_assert(kTaskCallsMax < kCallsRunningMax);
// A state is the value of one record of the server's own: {"value":…}.
inline constexpr std::uint64_t kTaskStateMax = kOwnRecordMax - 1 * KiB;
// States that one task has: all of them are told to it when it ends.
inline constexpr std::size_t kTaskStatesMax = 64;
// That one answer writes.
inline constexpr std::size_t kTaskRecordsMax = 64;
// What a task says in one line: a result of the largest size, escaped a little, and a state.
inline constexpr std::size_t kTaskLineMax = 2 * kCallResultMax;
// What waits for a task that does not read.
inline constexpr std::uint64_t kTaskUnsentMax = 8 * MiB;
// Of what it says to its standard error, in one run, and how much of a line.
inline constexpr std::size_t kTaskErrorLines = 1000;
inline constexpr std::size_t kTaskErrorLineMax = 4 * KiB;

}  // namespace callboard::server
