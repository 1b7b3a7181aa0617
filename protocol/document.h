#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace callboard::protocol {

// Whether `json` may be stored as a story or analytics document: one JSON value of any type in UTF-8, nested at most
// kJsonDepthMax deep. Reads it once without building anything: memory stays flat, about 10 ms per MiB. Thread: any.
Result<void> check_document(std::string_view json);

// The tree of what would pass, with at most `values_max` values and keys: bounds what it costs, as it stops at the first
// that is one too many. Of members with the same key the last holds.
Result<std::shared_ptr<const nlohmann::json>> parse_json(std::string_view json, std::size_t values_max);

}  // namespace callboard::protocol
