#pragma once

#include <optional>

#include "base/access_key.h"
#include "tools/cli/program.h"

namespace callboard::cli {

// The key to join with: of --key-file, else CALLBOARD_KEY, else CALLBOARD_KEY_FILE, else the project folder's
// `.callboard/key`; nullopt when there is none of them. Errors name the place and nothing of the key.
// There is no option for the line itself: what stands on a command line is seen by everybody on the machine.
Result<std::optional<AccessKey>> chosen_key(const Run& run);

}  // namespace callboard::cli
