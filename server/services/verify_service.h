#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "server/calls/call_registry.h"

namespace callboard::server {

// The call "verify", which looks whether the board's database is what it was written as; `on_unreadable` as of
// verify(), on a worker.
void add_verify_call(CallRegistry& registry, const std::filesystem::path& data, const std::string& project,
                     std::function<void(const Error&)> on_unreadable);

}  // namespace callboard::server
