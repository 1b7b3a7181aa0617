#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "server/services/service.h"

namespace callboard::cli {

// The services in a file (TOML where its name ends in ".toml", else JSON); empty: none. Errors name the file.
Result<std::vector<server::Service>> read_services(const std::string& path);

}  // namespace callboard::cli
