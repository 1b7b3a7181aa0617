#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace callboard::protocol {

// Whether `json` may be stored as a story or analytics document: one JSON value of any type in UTF-8, nested at most
// kJsonDepthMax deep. Reads it once without building anything: memory stays flat, about 10 ms per MiB. Thread: any.
Result<void> check_document(std::string_view json);

// The same, and at most `values_max` values and keys: bounds what building a tree of it will cost.
Result<void> check_json(std::string_view json, std::size_t values_max);

}  // namespace callboard::protocol
