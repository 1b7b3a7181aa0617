#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/call/call_description.h"
#include "base/document/build.h"
#include "base/text.h"

// Calls as people type them.
namespace callboard {
namespace {

using document::ValuePtr;

std::string upper_case(std::string_view name) {
  std::string upper;
  for (const char c : name) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

// Puts the words where they belong: by name, or by their place among those that have none.
class Placed {
 public:
  explicit Placed(const CallDescription& description) : description_(description) {}

  Result<void> take(const CallWord& said) {
    const std::string& word = said.text;
    const auto equals = said.is_value ? std::string::npos : word.find('=');
    if (equals != std::string::npos) {
      const auto named =
          std::ranges::find(description_.arguments, word.substr(0, equals), &CallArgument::name);
      if (named != description_.arguments.end()) return put(*named, word.substr(equals + 1));
      if (is_name(word.substr(0, equals))) return nobody_named(word.substr(0, equals), word);
    }
    while (next_ < description_.arguments.size() && is_full(description_.arguments[next_])) ++next_;
    if (next_ < description_.arguments.size()) return put(description_.arguments[next_], word);
    return too_many(word);
  }
  ValuePtr finish() && { return document::make_value(std::move(object_)); }

 private:
  // What else may stand before a "=" is part of a text.
  static bool is_name(std::string_view text) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return !text.empty() && text.find_first_not_of(kLetters) == std::string_view::npos;
  }
  // Misspelt, it would be taken for the next of the others.
  Error nobody_named(const std::string& name, const std::string& word) const {
    std::string names;
    for (const CallArgument& each : description_.arguments) names += (names.empty() ? "" : ", ") + each.name;
    if (names.empty()) return too_many(word);
    return {Outcome::usage,
            fmt::format("{}: there is no argument named {}; there are {}. A text with a \"=\" is given by "
                        "name, like {}={}",
                        description_.name, quoted(name), names, description_.arguments.front().name,
                        escaped(word, 64))};
  }
  Error too_many(const std::string& word) const {
    return {Outcome::usage, fmt::format("{}: {}: one argument too many; it is called as {}",
                                        description_.name, quoted(word), usage_of(description_))};
  }
  bool is_full(const CallArgument& argument) const {
    return !argument.is_repeated &&
           std::ranges::find(object_, argument.name, &document::Member::key) != object_.end();
  }
  Result<void> put(const CallArgument& argument, const std::string& typed) {
    auto value = value_from_text(argument.type, typed);
    if (!value) return value.error().prefixed(description_.name + ": " + argument.name);
    const auto known = std::ranges::find(object_, argument.name, &document::Member::key);
    if (known != object_.end() && !argument.is_repeated) {
      return Error{Outcome::usage, fmt::format("{}: {}: given twice", description_.name, argument.name)};
    }
    document::Array values;
    if (known != object_.end()) values = *known->value->array();
    values.push_back(*value);
    ValuePtr whole = argument.is_repeated ? document::make_array(std::move(values)) : *value;
    if (known != object_.end()) {
      known->value = std::move(whole);
    } else {
      object_.push_back({argument.name, std::move(whole)});
    }
    return {};
  }

  const CallDescription& description_;
  document::Object object_;
  std::size_t next_ = 0;
};

}  // namespace

Result<ValuePtr> arguments_from_words(const CallDescription& description,
                                      const std::vector<CallWord>& words) {
  Placed placed(description);
  for (const CallWord& word : words) {
    if (auto taken = placed.take(word); !taken) return taken.error();
  }
  return complete_arguments(description, std::move(placed).finish());
}

std::string usage_of(const CallDescription& description) {
  std::string usage = description.name;
  for (const CallArgument& argument : description.arguments) {
    const bool is_optional = argument.is_optional || argument.fallback != nullptr;
    const std::string word = upper_case(argument.name) + (argument.is_repeated ? "…" : "");
    usage += is_optional ? " [" + word + "]" : " " + word;
  }
  return usage;
}

}  // namespace callboard
