#pragma once

#include "base/error.h"

namespace callboard::cli {

// What the program tells the shell: 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 superseded or in conflict, 6
// locked, 7 timed out, 8 no quorum, 9 interrupted and resumable, 130 stopped by the user.
int exit_code(Outcome outcome);

}  // namespace callboard::cli
