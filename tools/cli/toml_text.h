#pragma once

#include <string_view>

#include "base/document/value.h"
#include "base/result.h"

namespace callboard::cli {

// What a TOML document says, as the JSON that says the same: tables are objects. usage: it is no TOML, with the line; or it has
// a date, or a number that is none, which JSON has not.
Result<document::ValuePtr> value_from_toml(std::string_view text);

}  // namespace callboard::cli
