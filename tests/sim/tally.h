#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/sim/world.h"

namespace callboard::sim {

// A task's program with one stateful call, tally.add TOKEN: its state is a list of all tokens, its answer the
// place of this one.
inline constexpr const char* kTallyProgram = "/tally";
inline constexpr const char* kTallyState = "/tallies/main";

// How often, of what it is told, it crashes or does not do it.
struct TallyFaults {
  std::uint64_t crash_percent = 0;
  std::uint64_t refusal_percent = 0;
};
// Looked at each time; they outlive it.
std::unique_ptr<Program> make_tally(const TallyFaults& faults);

}  // namespace callboard::sim
