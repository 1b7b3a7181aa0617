#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "tools/cli/output.h"
#include "tools/cli/server_place.h"

namespace callboard::cli {

// Tells where a project's server listens, as the note that it left says: by the server itself, and by whoever started it.
// `process`: of one that runs without a terminal.
void show_listening(Output& output, const std::string& project, const RunningNote& note,
                    std::optional<pid_t> process);

}  // namespace callboard::cli
