#pragma once

#include <filesystem>
#include <string>

#include "server/calls/call_registry.h"

namespace callboard::server {

// The call "backup", which copies the board into the folder `backups` beside it and keeps the newest of the copies.
void add_backup_call(CallRegistry& registry, const std::filesystem::path& data, const std::string& project);

}  // namespace callboard::server
