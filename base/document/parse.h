#pragma once

#include <string_view>

#include "base/document/value.h"
#include "base/result.h"

namespace callboard::document {

// One JSON value in UTF-8, nested at most kJsonDepthMax deep; of members with one key the last counts. Everything else
// is refused, saying at which byte. About 5 ms and 10 MiB of memory per MiB of text. Thread: any.
Result<ValuePtr> parse(std::string_view json);
// The same, nested so much deeper: for what encloses a document.
Result<ValuePtr> parse_deeper(std::string_view json, int levels);

}  // namespace callboard::document
