#pragma once

#include <string_view>

#include "base/document/value.h"
#include "base/result.h"

namespace callboard::document {

// As parse(), for what a person wrote: a key that stands twice in one object is refused, not the last of them taken, since
// one of the two is not what they meant.
Result<ValuePtr> parse_once(std::string_view json);

}  // namespace callboard::document
