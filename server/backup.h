#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace callboard::server {

// Copies a project's database into `to`, which must not be there yet: as it is at one moment, whether or not a server
// works on it meanwhile. Blocking, until it is done or `stop` is requested: cancelled. The copy appears whole, and on disk, or
// not at all.
Result<void> back_up(const std::filesystem::path& data, const std::string& project,
                     const std::filesystem::path& to, std::stop_token stop = {});

// Makes a backup the database of a project that has none yet. Refused when it has one, when a server holds it, or when
// the file is no backup of ours, or one of another project. Blocking.
Result<void> restore(const std::filesystem::path& from, const std::filesystem::path& data,
                     const std::string& project);
// Whether it would be refused, or `from` is no file (usage). Changes nothing.
Result<void> check_restore(const std::filesystem::path& from, const std::filesystem::path& data,
                           const std::string& project);
// Takes away what restore() made, where nothing came of it. Blocking.
Result<void> take_back(const std::filesystem::path& data, const std::string& project);

// Whether a server has been there: `project_folder` is the project's, beneath the data folder.
bool has_board(const std::filesystem::path& project_folder);

}  // namespace callboard::server
