#pragma once

#include <string>

#include "base/result.h"
#include "tools/cli/output.h"

namespace callboard::cli {

// How two documents differ, in lines for a person: `patch` is a JSON Patch of `old`.
Result<void> show_patch(Output& output, const std::string& old, const std::string& patch);

}  // namespace callboard::cli
