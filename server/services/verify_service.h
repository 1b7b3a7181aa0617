#pragma once

#include <filesystem>
#include <string>

#include "server/calls/call_registry.h"

namespace callboard::server {

// The call "verify", which looks whether the board's database is what it was written as.
void add_verify_call(CallRegistry& registry, const std::filesystem::path& data, const std::string& project);

}  // namespace callboard::server
