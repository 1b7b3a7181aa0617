#pragma once

#include <filesystem>

#include "tools/cli/settings.h"

namespace callboard::cli {

// Where a server keeps its boards: --data, or where programs keep a user's data.
Result<std::filesystem::path> data_folder(const Settings& settings);

}  // namespace callboard::cli
