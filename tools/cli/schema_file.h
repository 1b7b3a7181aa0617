#pragma once

#include <string>

#include "base/document/schema.h"

namespace callboard::cli {

// The classes of records in a schema file (TOML where its name ends in ".toml", else JSON), and the built-in ones; empty: those alone. Errors name the file.
Result<document::Schema> read_schema(const std::string& path);

}  // namespace callboard::cli
