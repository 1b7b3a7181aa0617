#pragma once

#include <cstdint>

#include "base/limits.h"

// How much calls may say, and how long they may take.
namespace callboard::protocol {

// Read on the loop, as the small documents are: 64 KiB take 0.3 ms. What is longer is a file.
inline constexpr std::uint64_t kCallArgumentsMax = kInlineDocumentBytes;
// A listing of some thousand things; it is passed on as it is, never read here.
inline constexpr std::uint64_t kCallResultMax = 1 * MiB;
// One of each call that runs is kept until it is told: 256 of one session are 4 MiB.
inline constexpr std::uint64_t kCallProgressMax = 16 * KiB;
static_assert(kCallResultMax < kFrameMax && kAsksPerTurn * kCallProgressMax <= 4 * MiB);

// What a call has when its caller says nothing, and what it may ask for: a night's render and the day after it.
inline constexpr auto kCallDeadline = 30s;
inline constexpr auto kCallDeadlineMax = 24h;
// The server says when a call's time is over; a client waits so much longer before it says so itself.
inline constexpr auto kCallPatience = 10s;

}  // namespace callboard::protocol
