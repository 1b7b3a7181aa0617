#pragma once

#include <string>

#include "base/result.h"
#include "tools/cli/program.h"

namespace callboard::cli {

// How two documents differ, in lines for a person: `patch` is a JSON Patch of `old`.
Result<void> show_patch(Run& run, const std::string& old, const std::string& patch);

}  // namespace callboard::cli
