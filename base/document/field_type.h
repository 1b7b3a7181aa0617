#pragma once

#include <optional>
#include <string_view>

#include "base/document/value.h"
#include "base/result.h"

namespace callboard::document {

// What may stand in a field of a record.
enum class FieldType {
  boolean,  // bool
  integer,  // int: a whole number of 64 bits.
  number,   // float: any number.
  text,
  bytes,  // Text in base64.
  time,   // Whole milliseconds since 1970, up to the end of the year 9999.
  id,     // Text of 32 hex digits.
  list,
  map,
  json,  // Anything.
  user,  // Text: a user's name as shown.
  item,  // Text: a path in the project that starts with "/".
};

std::string_view to_text(FieldType type);
std::optional<FieldType> field_type_from(std::string_view word);
// usage: "expected int, got \"high\"".
Result<void> check(FieldType type, const Value& value);

}  // namespace callboard::document
