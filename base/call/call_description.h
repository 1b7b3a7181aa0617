#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/document/value.h"
#include "base/document/value_type.h"
#include "base/limits.h"
#include "base/result.h"

namespace callboard {

using document::ValueType;

struct CallArgument {
  std::string name;
  ValueType type = ValueType::text;
  std::string summary{};
  bool is_optional = false;
  bool is_repeated = false;       // The last one only: any number of values, as an array.
  document::ValuePtr fallback{};  // What it is when it is left out; null: nothing. Makes it optional.
};

// What a call is, for those who call it and for help; as JSON in docs/protocol.md, 2.8.
struct CallDescription {
  std::string name;  // "disk.free": letters, digits, '_', '-' and dots between them.
  std::string summary{};
  std::string category{};
  std::string permission{};  // What its caller needs; empty: nothing of its own.
  std::vector<CallArgument> arguments{};
  std::optional<ValueType> result{};  // nullopt: null.
  std::string by{};                   // Who offers it; empty: the server.
  std::string state{};                // The record that holds its state; empty: it has none.
};

// Whether it makes sense; Outcome::usage, beginning with the call's name.
Result<void> check(const CallDescription& description);

document::ValuePtr to_value(const CallDescription& description);
// Keys that are not known: over the wire another version's, in what a task or a plugin says a mistake, such as a `permission`
// that nobody then needs.
enum class UnknownKeys { ignored, refused };
// check()ed.
Result<CallDescription> description_from(const document::Value& value,
                                         UnknownKeys unknown = UnknownKeys::ignored);
// Of an array of at most kCallDescriptionsMax, no two of one name and the same `by`.
Result<std::vector<CallDescription>> descriptions_from(const document::Value& value,
                                                       UnknownKeys unknown = UnknownKeys::ignored);
Result<std::vector<CallDescription>> descriptions_from(std::string_view json,
                                                       UnknownKeys unknown = UnknownKeys::ignored);
// Whether somebody can have the permission that it needs, of those that are added.
Result<void> check_permission(const CallDescription& description);
// The same list, without those that make no sense, which `left_out` says why. usage: it is none.
Result<std::vector<CallDescription>> good_descriptions_from(const document::Value& value,
                                                            std::vector<std::string>& left_out);

// What the call is called with: each argument once by its name, those with a default filled in, repeated ones as an array,
// left out what is optional and was not given. `given` is an object, an array of positional ones, or null for none.
// Outcome::usage: "kick: user: expected user, got 3".
Result<document::ValuePtr> complete_arguments(const CallDescription& description,
                                              const document::ValuePtr& given);

struct CallWord {
  CallWord(std::string said, bool is_quoted = false) : text(std::move(said)), is_value(is_quoted) {}
  CallWord(const char* said) : text(said) {}

  std::string text;
  bool is_value = false;  // Never NAME=VALUE, whatever stands in it.
};
// The same from the words of a command line: positional ones, and NAME=VALUE for a NAME that there is.
Result<document::ValuePtr> arguments_from_words(const CallDescription& description,
                                                const std::vector<CallWord>& words);
// "kick USER [REASON]", "open_shot ITEM FRAMES…".
std::string usage_of(const CallDescription& description);

}  // namespace callboard
