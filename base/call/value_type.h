#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/document/value.h"
#include "base/result.h"

namespace callboard {

// What a value of a call, or a field, may be; docs/calls.md has the table.
enum class ValueType : std::uint8_t {
  boolean,  // "bool"
  integer,  // "int": 64 bits with a sign
  real,     // "float": any number
  text,     // "text"
  bytes,    // "bytes": base64 (RFC 4648) as text
  time,     // "time": milliseconds since 1970
  id,       // "id": 16 or 32 hex digits
  list,     // "list": an array
  map,      // "map": an object
  json,     // "json": anything
  user,     // "user": somebody's name
  item,     // "item": a path in the project, "/dev/chr/Moria"
};

std::string_view to_text(ValueType type);
std::optional<ValueType> value_type_from(std::string_view text);

// What somebody sees of a value's kind, "text" or "list" or "null": for what was got where another was expected.
std::string_view kind_of(const document::Value& value);
// Outcome::usage: "expected int, got text".
Result<void> check_type(ValueType type, const document::Value& value);
// What a person typed for a value of that type: lists, maps and json as JSON, a text as it is.
Result<document::ValuePtr> value_from_text(ValueType type, std::string_view typed);

}  // namespace callboard
