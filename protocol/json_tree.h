#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace callboard::protocol {

// One value of a JsonTree; its elements or members follow it, each with all that is within it. Never moved or copied.
struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

  Kind kind = Kind::null;
  bool truth = false;       // Of a boolean.
  std::uint32_t count = 0;  // Elements or members.
  std::uint32_t size = 1;   // Values: this one and all within it.
  std::string_view key;     // Of a member.
  std::string_view text;    // Of a string; of a number as it is written.

  // The first element or member, and what stands behind this one; there are `count` of them.
  const JsonValue* first() const { return this + 1; }
  const JsonValue* next() const { return this + size; }
  // The last member of that key; null when it is no object or has none.
  const JsonValue* member(std::string_view name) const;
  const char* kind_name() const;
};

// The values of one JSON text in one block of memory: messages are small, many and read once, so a tree of values that are
// allocated one by one would cost more than all that is done with them. The text must outlive it.
class JsonTree {
 public:
  // Once parse_json() has made it.
  const JsonValue& root() const { return values_.front(); }

 private:
  friend class JsonTreeParser;
  friend Result<void> parse_json(std::string_view json, std::size_t values_max, JsonTree& tree);
  std::vector<JsonValue> values_;
  std::list<std::string> unescaped_;  // Texts that differ from how they are written.
};

// One JSON value in UTF-8, nested at most kJsonDepthMax deep, with at most `values_max` values and keys: bounds what it
// costs, as it stops at the first that is one too many. Of members with the same key the last holds. What was in the tree
// before goes, and its memory is used again. Thread: any.
Result<void> parse_json(std::string_view json, std::size_t values_max, JsonTree& tree);

}  // namespace callboard::protocol
