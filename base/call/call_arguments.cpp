#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/call/call_description.h"
#include "base/document/build.h"
#include "base/text.h"

// Arguments as they are given, made into what the call is called with.
namespace callboard {
namespace {

using document::Value;
using document::ValuePtr;

Error of_call(const CallDescription& description, const std::string& why) {
  return {Outcome::usage, description.name + ": " + why};
}

std::string usage_hint(const CallDescription& description) {
  return "it is called as " + usage_of(description);
}

Result<ValuePtr> by_name(const CallDescription& description, const document::Array& given) {
  const std::vector<CallArgument>& arguments = description.arguments;
  const bool is_open = !arguments.empty() && arguments.back().is_repeated;
  if (given.size() > arguments.size() && !is_open) {
    return of_call(description, fmt::format("expected at most {} arguments, got {}; {}", arguments.size(),
                                            given.size(), usage_hint(description)));
  }
  document::Object object;
  const std::size_t single = is_open ? arguments.size() - 1 : arguments.size();
  for (std::size_t i = 0; i < std::min(single, given.size()); ++i) {
    object.push_back({arguments[i].name, given[i]});
  }
  if (is_open && given.size() > single) {
    document::Array rest(given.begin() + static_cast<std::ptrdiff_t>(single), given.end());
    object.push_back({arguments.back().name, document::make_array(std::move(rest))});
  }
  return document::make_value(std::move(object));
}

Result<void> check_given(const CallArgument& argument, const Value& value) {
  if (!argument.is_repeated) return check_type(argument.type, value);
  if (value.array() == nullptr) {
    return Error{Outcome::usage,
                 fmt::format("expected a list of {}, got {}", to_text(argument.type), kind_of(value))};
  }
  for (const ValuePtr& each : *value.array()) {
    if (auto checked = check_type(argument.type, *each); !checked) return checked;
  }
  return {};
}

// Null: there is none and need not be.
Result<ValuePtr> value_of(const CallArgument& argument, const Value& given) {
  const ValuePtr value = given.member(argument.name);
  // An explicit null is as good as none, but where null is a value.
  const bool is_null = value && value->content().index() == 0 && argument.type != ValueType::json;
  if (value && !is_null) {
    if (auto checked = check_given(argument, *value); !checked) return checked.error();
    return value;
  }
  if (argument.fallback) return argument.fallback;
  if (argument.is_optional) return ValuePtr();
  return Error{Outcome::usage, fmt::format("expected {}, got nothing", to_text(argument.type))};
}

Result<void> check_known(const CallDescription& description, const document::Object& given) {
  for (const document::Member& member : given) {
    if (std::ranges::find(description.arguments, member.key, &CallArgument::name) !=
        description.arguments.end()) {
      continue;
    }
    return of_call(description,
                   fmt::format("{}: no such argument; {}", quoted(member.key), usage_hint(description)));
  }
  return {};
}

}  // namespace

Result<ValuePtr> complete_arguments(const CallDescription& description, const ValuePtr& given) {
  static const ValuePtr kNone = document::make_object({});
  if (given == nullptr && description.arguments.empty()) return kNone;
  ValuePtr named = given ? given : kNone;
  if (named->array() != nullptr) {
    auto placed = by_name(description, *named->array());
    if (!placed) return placed;
    named = std::move(*placed);
  }
  if (named->object() == nullptr) {
    return of_call(description, fmt::format("arguments: expected a map or a list, got {}", kind_of(*named)));
  }
  if (auto known = check_known(description, *named->object()); !known) return known.error();
  document::Object complete;
  complete.reserve(description.arguments.size());
  for (const CallArgument& argument : description.arguments) {
    auto value = value_of(argument, *named);
    if (!value) return of_call(description, argument.name + ": " + value.error().text);
    if (*value) complete.push_back({argument.name, std::move(*value)});
  }
  return document::make_value(std::move(complete));
}

}  // namespace callboard
