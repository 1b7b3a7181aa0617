#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"

namespace callboard::server {

// Where a project's board lies beneath the data folder; nothing is created.
std::filesystem::path project_folder(const std::filesystem::path& data, const std::string& project);
// Makes it, and the data folder, where they are missing.
Result<void> make_project_folder(const std::filesystem::path& data, const std::string& project);
// Refused, naming the process, when a server works on it; fails where there can be none. Creates nothing.
Result<void> check_free(const std::filesystem::path& data, const std::string& project);
// The process whose server works on it now; nullopt when none does.
Result<std::optional<pid_t>> holder(const std::filesystem::path& data, const std::string& project);

}  // namespace callboard::server
