#pragma once

#include "base/clock.h"

namespace callboard {

// By how much the wall clock is ahead of one that nobody sets, and that goes on while the machine sleeps: another value than before,
// by more than reading two clocks one after the other takes, means that the wall clock was set. Only differences mean anything.
// Thread: any.
Duration clock_distance();

}  // namespace callboard
