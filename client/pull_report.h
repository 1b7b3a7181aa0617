#pragma once

#include "base/error.h"
#include "client/pull_types.h"

namespace callboard::client {

// How a pull ended that nothing but its files made end otherwise than done: by its problems, removals refused and conflicts.
Error ending_of_files(const PullReport& report);

// Adds what another pull did to `all`. Where files alone are the cause, all of them together say how it ended; else it is what
// was first not done. But who stopped it, or a disk that takes nothing more, comes before anything else.
void add_report(PullReport& all, PullReport one);

}  // namespace callboard::client
