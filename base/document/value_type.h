#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/document/value.h"
#include "base/result.h"

namespace callboard::document {

// What a field of a record may be, and an argument or the result of a call: one set of types for all that is described
// (docs/protocol.md, 2.8). Whether it may be left out is said beside the type.
enum class ValueType : std::uint8_t {
  boolean,  // "bool"
  integer,  // "int": 64 bits with a sign
  real,     // "float": any number
  text,     // "text"
  bytes,    // "bytes": base64 (RFC 4648) as text
  time,     // "time": whole milliseconds since 1970, up to the end of the year 9999
  id,       // "id": 16 hex digits (a session's) or 32
  list,     // "list": an array
  map,      // "map": an object
  json,     // "json": anything
  user,     // "user": somebody's name as shown
  item,     // "item": a path in the project, "/dev/chr/Moria"
};
inline constexpr std::array kValueTypes{ValueType::boolean, ValueType::integer, ValueType::real,
                                        ValueType::text,    ValueType::bytes,   ValueType::time,
                                        ValueType::id,      ValueType::list,    ValueType::map,
                                        ValueType::json,    ValueType::user,    ValueType::item};

std::string_view to_text(ValueType type);
std::optional<ValueType> value_type_from(std::string_view text);

// What somebody sees of a value's kind, "text" or "list" or "null": for what was got where another was expected.
std::string_view kind_of(const Value& value);
// Outcome::usage: "expected int, got text".
Result<void> check_type(ValueType type, const Value& value);
// What a person typed for a value of that type: lists, maps and json as JSON, a text as it is.
Result<ValuePtr> value_from_text(ValueType type, std::string_view typed);

}  // namespace callboard::document
