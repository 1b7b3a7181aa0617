#include "base/document/value_type.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

#include "base/document/build.h"
#include "base/document/parse.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"

namespace callboard::document {
namespace {

// The last millisecond of the year 9999, as for all times on the wire.
constexpr std::int64_t kTimeMaxMs = 253'402'300'799'999;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
// With the " (2)" that tells two users of one name apart.
constexpr std::size_t kUserMax = kUserNameMaxCodePoints + 16;

// Most numbers have no sign and few digits: fewer than `max` has are surely less.
bool is_surely_within(std::string_view digits, std::int64_t min, std::int64_t max) {
  const std::size_t digits_max = max == kTimeMaxMs ? 15 : max == kMost ? 19 : 0;
  return min <= 0 && !digits.empty() && digits.size() < digits_max &&
         std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_whole_number(const Value& value, std::int64_t min, std::int64_t max) {
  const auto* number = std::get_if<Number>(&value.content());
  if (number == nullptr) return false;
  if (is_surely_within(number->text, min, max)) return true;
  std::int64_t whole = 0;
  const char* const end = number->text.data() + number->text.size();
  const auto read = std::from_chars(number->text.data(), end, whole);
  return read.ec == std::errc() && read.ptr == end && whole >= min && whole <= max;
}

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return text.find_first_not_of(kDigits) == std::string_view::npos;
}

bool is_id(std::string_view text) { return session_id_from(text) || unique_id_from(text); }

bool is_user(std::string_view text) {
  return !text.empty() && code_point_count(text) <= kUserMax && !has_control_character(text) &&
         !text.starts_with(' ') && !text.ends_with(' ');
}

// Without empty components, `.` and `..`, as paths of locks and records are, which have more limits; and "/" for all of them.
bool is_item(std::string_view text) {
  if (!text.starts_with('/') || text.size() > kPathMaxBytes || text.find('\0') != std::string_view::npos)
    return false;
  if (text == "/") return true;
  for (std::string_view rest = text; !rest.empty();) {
    rest.remove_prefix(1);
    const std::string_view component = rest.substr(0, rest.find('/'));
    if (component.empty() || component == "." || component == "..") return false;
    rest.remove_prefix(component.size());
  }
  return true;
}

bool is_of(ValueType type, const Value& value) {
  const std::string* text = value.string();
  switch (type) {
    case ValueType::boolean:
      return std::holds_alternative<bool>(value.content());
    case ValueType::integer:
      return is_whole_number(value, kLeast, kMost);
    case ValueType::real:
      return std::holds_alternative<Number>(value.content());
    case ValueType::text:
      return text != nullptr;
    case ValueType::bytes:
      return text != nullptr && is_base64(*text);
    case ValueType::time:
      return is_whole_number(value, 0, kTimeMaxMs);
    case ValueType::id:
      return text != nullptr && is_id(*text);
    case ValueType::list:
      return value.array() != nullptr;
    case ValueType::map:
      return value.object() != nullptr;
    case ValueType::json:
      return true;
    case ValueType::user:
      return text != nullptr && is_user(*text);
    case ValueType::item:
      return text != nullptr && is_item(*text);
  }
  return false;
}

bool is_typed_as_text(ValueType type) {
  return type == ValueType::text || type == ValueType::bytes || type == ValueType::id ||
         type == ValueType::user || type == ValueType::item;
}

std::optional<bool> bool_from(std::string_view typed) {
  if (typed == "true" || typed == "yes" || typed == "on" || typed == "1") return true;
  if (typed == "false" || typed == "no" || typed == "off" || typed == "0") return false;
  return std::nullopt;
}

// Of a type whose name does not say how it is written.
std::string form_of(ValueType type) {
  std::string name(to_text(type));
  if (type == ValueType::bytes) return name + " (base64)";
  if (type == ValueType::time) return name + " (ms since 1970)";
  if (type == ValueType::id) return name + " (16 or 32 hex digits)";
  return name;
}

Error not_what(std::string_view expected, std::string_view got) {
  return {Outcome::usage, "expected " + std::string(expected) + ", got " + std::string(got)};
}

}  // namespace

std::string_view to_text(ValueType type) {
  constexpr std::array<std::string_view, kValueTypes.size()> kWords{
      "bool", "int", "float", "text", "bytes", "time", "id", "list", "map", "json", "user", "item"};
  return kWords[static_cast<std::size_t>(type)];
}

std::optional<ValueType> value_type_from(std::string_view text) {
  const auto found = std::ranges::find_if(kValueTypes, [&](ValueType each) { return to_text(each) == text; });
  return found == kValueTypes.end() ? std::nullopt : std::optional(*found);
}

std::string_view kind_of(const Value& value) {
  constexpr std::array<std::string_view, 6> kKinds{"null", "bool", "number", "text", "list", "map"};
  return kKinds.at(value.content().index());
}

Result<void> check_type(ValueType type, const Value& value) {
  if (is_of(type, value)) return {};
  // A text that is no name, or a number that is too large, says more by itself than by its kind.
  const bool is_short = value.size_bytes() <= 64 && !value.array() && !value.object();
  return not_what(form_of(type), is_short ? escaped(print(value)) : std::string(kind_of(value)));
}

Result<ValuePtr> value_from_text(ValueType type, std::string_view typed) {
  ValuePtr value;
  if (!is_utf8(typed)) return Error{Outcome::usage, "expected UTF-8"};
  if (is_typed_as_text(type)) {
    value = make_text(typed);
  } else if (type == ValueType::boolean) {
    const auto truth = bool_from(typed);
    if (!truth) return not_what("yes or no", quoted(typed));
    value = make_bool(*truth);
  } else {
    auto parsed = parse(typed);
    if (!parsed) return not_what(form_of(type), quoted(typed));
    value = std::move(*parsed);
  }
  if (auto checked = check_type(type, *value); !checked) return checked.error();
  return value;
}

}  // namespace callboard::document
