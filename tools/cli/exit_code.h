#pragma once

#include "base/error.h"

namespace callboard::cli {

// What the program tells the shell: 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 superseded or in conflict, 6
// locked, 7 timed out, 8 no quorum, 9 interrupted and resumable, 130 stopped by the user.
int exit_code(Outcome outcome);
// The outcome that it tells of, of another of these programs; failed for what it is not.
Outcome outcome_of(int exit_code);

}  // namespace callboard::cli
