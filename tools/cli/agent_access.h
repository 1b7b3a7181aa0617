#pragma once

#include <memory>

#include "client/agent_client.h"
#include "tools/cli/program.h"

namespace callboard::cli {

// Whether the agent is the one these settings mean: what was given for this run alone (--project, --name and how to look for
// the server) is what the agent was started with.
bool is_meant(const Settings& settings, const client::agent::Hello& hello);

// The agent of the project folder: of the settings' folder, else of the nearest folder upward that has one. Null when none
// answers, when it is not the one that is meant, or it is at another --server; one of another version is warned of.
std::unique_ptr<client::AgentClient> find_agent(const Run& run);

}  // namespace callboard::cli
