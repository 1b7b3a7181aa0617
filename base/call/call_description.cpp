#include "base/call/call_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/document/build.h"
#include "base/document/parse.h"
#include "base/permission_name.h"
#include "base/text.h"

namespace callboard {
namespace {

using document::Value;
using document::ValuePtr;

bool is_name(std::string_view text, bool may_have_dots) {
  if (text.empty() || text.size() > kCallNameMax) return false;
  if (text.starts_with('.') || text.ends_with('.') || text.find("..") != std::string_view::npos) return false;
  return std::ranges::all_of(text, [may_have_dots](char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && may_have_dots);
  });
}

Error wrong(const std::string& what, std::string_view why) {
  return {Outcome::usage, fmt::format("{}: {}", what, why)};
}

bool is_left_out(const CallArgument& argument) {
  return argument.is_optional || argument.fallback != nullptr;
}

Result<void> check_argument(const CallArgument& argument, bool is_last) {
  if (!is_name(argument.name, false)) {
    return wrong("argument",
                 fmt::format("expected a name of letters, digits, _ and -, got {}", quoted(argument.name)));
  }
  if (argument.summary.size() > kCallSummaryMax || !is_utf8(argument.summary)) {
    return wrong(argument.name, fmt::format("summary: expected at most {} bytes of UTF-8", kCallSummaryMax));
  }
  if (argument.is_repeated && !is_last) return wrong(argument.name, "only the last argument may be repeated");
  if (argument.is_repeated && argument.fallback)
    return wrong(argument.name, "a repeated argument has no default");
  if (!argument.fallback) return {};
  auto checked = check_type(argument.type, *argument.fallback);
  return checked ? Result<void>() : wrong(argument.name, "default: " + checked.error().text);
}

// --- From JSON ------------------------------------------------------------------------------------------------------

// Reads the members of one object; the first that is wrong is kept.
class Members {
 public:
  explicit Members(const Value& value) : value_(value) {
    if (value.object() == nullptr) fail("", fmt::format("expected a map, got {}", kind_of(value)));
  }
  void text(const char* key, std::string& into, bool is_required = false) {
    const ValuePtr member = find(key, is_required);
    if (!member) return;
    if (member->string() == nullptr) return fail(key, fmt::format("expected text, got {}", kind_of(*member)));
    into = *member->string();
  }
  void flag(const char* key, bool& into) {
    const ValuePtr member = find(key, false);
    if (!member) return;
    const bool* truth = std::get_if<bool>(&member->content());
    if (truth == nullptr) return fail(key, fmt::format("expected bool, got {}", kind_of(*member)));
    into = *truth;
  }
  std::optional<ValueType> type(const char* key) {
    std::string text_of_it;
    text(key, text_of_it);
    if (text_of_it.empty()) return std::nullopt;
    const auto found = document::value_type_from(text_of_it);
    if (!found) fail(key, fmt::format("expected a type, got {}", quoted(text_of_it)));
    return found;
  }
  ValuePtr find(const char* key, bool is_required) {
    ValuePtr member = value_.member(key);
    if (!member && is_required) fail(key, "missing");
    return member;
  }
  void refuse_others(std::initializer_list<std::string_view> keys) {
    if (value_.object() == nullptr) return;
    for (const document::Member& each : *value_.object()) {
      if (std::ranges::find(keys, each.key) == keys.end())
        fail(escaped(each.key, 64), fmt::format("no such key; expected {}", fmt::join(keys, ", ")));
    }
  }
  void fail(const std::string& where, const std::string& why) {
    if (error_.empty()) error_ = where.empty() ? why : where + ": " + why;
  }
  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }

 private:
  const Value& value_;
  std::string error_;
};

Result<CallArgument> argument_from(const Value& value, UnknownKeys unknown) {
  CallArgument argument;
  Members members(value);
  members.text("name", argument.name, true);
  if (const auto type = members.type("type")) argument.type = *type;
  members.text("summary", argument.summary);
  members.flag("optional", argument.is_optional);
  members.flag("repeated", argument.is_repeated);
  argument.fallback = members.find("default", false);
  if (unknown == UnknownKeys::refused)
    members.refuse_others({"name", "type", "summary", "optional", "repeated", "default"});
  if (members.failed()) return Error{Outcome::usage, members.error()};
  return argument;
}

Result<std::vector<CallArgument>> arguments_from(const Value& value, UnknownKeys unknown) {
  if (value.array() == nullptr)
    return Error{Outcome::usage, fmt::format("expected a list, got {}", kind_of(value))};
  std::vector<CallArgument> arguments;
  for (const ValuePtr& each : *value.array()) {
    auto argument = argument_from(*each, unknown);
    if (!argument) return argument.error().prefixed(fmt::format("entry {}", arguments.size()));
    arguments.push_back(std::move(*argument));
  }
  return arguments;
}

ValuePtr to_value(const CallArgument& argument) {
  document::Object object{{"name", document::make_text(argument.name)},
                          {"type", document::make_text(to_text(argument.type))}};
  if (!argument.summary.empty()) object.push_back({"summary", document::make_text(argument.summary)});
  if (argument.is_optional) object.push_back({"optional", document::make_bool(true)});
  if (argument.is_repeated) object.push_back({"repeated", document::make_bool(true)});
  if (argument.fallback) object.push_back({"default", argument.fallback});
  return document::make_value(std::move(object));
}

}  // namespace

Result<void> check(const CallDescription& description) {
  if (!is_name(description.name, true)) {
    return wrong("call", fmt::format("expected a name of letters, digits, _, - and dots, at most {}, got {}",
                                     kCallNameMax, quoted(description.name)));
  }
  const auto of_call = [&](std::string_view why) { return wrong(description.name, why); };
  for (const std::string* text : {&description.summary, &description.category, &description.permission}) {
    if (text->size() > kCallSummaryMax || !is_utf8(*text) || has_control_character(*text)) {
      return of_call(fmt::format(
          "summary, category, permission: expected one line of at most {} bytes of UTF-8", kCallSummaryMax));
    }
  }
  if (description.arguments.size() > kCallArgumentsCountMax) {
    return of_call(fmt::format("expected at most {} arguments, got {}", kCallArgumentsCountMax,
                               description.arguments.size()));
  }
  std::set<std::string_view> names;
  bool is_optional = false;
  for (const CallArgument& argument : description.arguments) {
    if (auto checked = check_argument(argument, &argument == &description.arguments.back()); !checked) {
      return of_call(checked.error().text);
    }
    if (!names.insert(argument.name).second)
      return of_call(argument.name + ": there are two arguments of this name");
    if (is_optional && !is_left_out(argument)) {
      return of_call(argument.name + ": expected optional, as the one before it is");
    }
    is_optional = is_optional || is_left_out(argument);
  }
  return {};
}

ValuePtr to_value(const CallDescription& description) {
  document::Object object{{"name", document::make_text(description.name)}};
  const auto add = [&](const char* key, const std::string& text) {
    if (!text.empty()) object.push_back({key, document::make_text(text)});
  };
  add("summary", description.summary);
  add("category", description.category);
  add("permission", description.permission);
  document::Array arguments;
  for (const CallArgument& each : description.arguments) arguments.push_back(to_value(each));
  object.push_back({"args", document::make_array(std::move(arguments))});
  if (description.result) object.push_back({"result", document::make_text(to_text(*description.result))});
  add("by", description.by);
  add("state", description.state);
  return document::make_value(std::move(object));
}

Result<CallDescription> description_from(const Value& value, UnknownKeys unknown) {
  CallDescription description;
  Members members(value);
  members.text("name", description.name, true);
  members.text("summary", description.summary);
  members.text("category", description.category);
  members.text("permission", description.permission);
  description.result = members.type("result");
  members.text("by", description.by);
  members.text("state", description.state);
  if (unknown == UnknownKeys::refused)
    members.refuse_others({"name", "summary", "category", "permission", "args", "result", "by", "state"});
  if (members.failed()) return wrong("call " + quoted(description.name), members.error());
  if (const ValuePtr listed = members.find("args", false)) {
    auto arguments = arguments_from(*listed, unknown);
    if (!arguments) return arguments.error().prefixed(fmt::format("call {}: args", quoted(description.name)));
    description.arguments = std::move(*arguments);
  }
  if (auto checked = check(description); !checked) return checked.error();
  return description;
}

Result<void> check_permission(const CallDescription& description) {
  if (description.permission.empty()) return {};
  auto named = check_permission_name(description.permission);
  return named ? named : Result<void>(named.error().prefixed(description.name));
}

namespace {

Result<const document::Array*> listed_in(const Value& value) {
  const document::Array* listed = value.array();
  if (listed == nullptr)
    return Error{Outcome::usage, fmt::format("calls: expected a list, got {}", kind_of(value))};
  if (listed->size() > kCallDescriptionsMax) {
    return Error{Outcome::usage,
                 fmt::format("calls: expected at most {}, got {}", kCallDescriptionsMax, listed->size())};
  }
  return listed;
}

// One after the other.
class Reader {
 public:
  explicit Reader(UnknownKeys unknown) : unknown_(unknown) {}
  Result<void> take(const Value& value) {
    auto description = description_from(value, unknown_);
    if (!description) return description.error();
    if (unknown_ == UnknownKeys::refused) {
      if (auto permitted = check_permission(*description); !permitted) return permitted;
    }
    if (!known_.emplace(description->name, description->by).second)
      return wrong(description->name, "there are two calls of this name");
    descriptions_.push_back(std::move(*description));
    return {};
  }
  std::vector<CallDescription> finish() && { return std::move(descriptions_); }

 private:
  UnknownKeys unknown_;
  std::vector<CallDescription> descriptions_;
  std::set<std::pair<std::string, std::string>> known_;
};

}  // namespace

Result<std::vector<CallDescription>> descriptions_from(const Value& value, UnknownKeys unknown) {
  const auto listed = listed_in(value);
  if (!listed) return listed.error();
  Reader reader(unknown);
  for (const ValuePtr& each : **listed) {
    if (auto taken = reader.take(*each); !taken) return taken.error();
  }
  return std::move(reader).finish();
}

Result<std::vector<CallDescription>> descriptions_from(std::string_view json, UnknownKeys unknown) {
  auto parsed = document::parse(json);
  if (!parsed) return parsed.error().prefixed("calls");
  return descriptions_from(**parsed, unknown);
}

Result<std::vector<CallDescription>> good_descriptions_from(const Value& value,
                                                            std::vector<std::string>& left_out) {
  const auto listed = listed_in(value);
  if (!listed) return listed.error();
  Reader reader(UnknownKeys::refused);
  for (const ValuePtr& each : **listed) {
    if (const auto taken = reader.take(*each); !taken) left_out.push_back(taken.error().text);
  }
  return std::move(reader).finish();
}

}  // namespace callboard
