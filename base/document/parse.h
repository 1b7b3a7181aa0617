#pragma once

#include <cstdint>
#include <string_view>

#include "base/document/value.h"
#include "base/result.h"

namespace callboard::document {

// One JSON value in UTF-8, nested at most kJsonDepthMax deep; of members with one key the last counts. Everything else
// is refused, saying at which byte. About 5 ms and 10 MiB of memory per MiB of text, but 48 MiB for one that is all numbers
// of one digit: of what somebody else wrote, at most so many values are read. Thread: any.
Result<ValuePtr> parse(std::string_view json, std::uint32_t values_max = UINT32_MAX);
// The same, nested so much deeper: for what encloses a document.
Result<ValuePtr> parse_deeper(std::string_view json, int levels);

}  // namespace callboard::document
