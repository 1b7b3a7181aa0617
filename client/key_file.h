#pragma once

#include <optional>
#include <string>

#include "base/access_key.h"

namespace callboard::client {

// The key in a file of one line. refused: others than its owner can read it; the error says what mends that. not_found: there
// is no such file. Nothing of what is in the file is in an error.
Result<AccessKey> read_key_file(const std::string& path);
// The one of a workstation's folder, `.callboard/key`; nullopt when it has none.
Result<std::optional<AccessKey>> key_of_folder(const std::string& folder);

}  // namespace callboard::client
