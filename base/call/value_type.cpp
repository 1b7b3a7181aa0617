#include "base/call/value_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "base/document/build.h"
#include "base/document/parse.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"

namespace callboard {
namespace {

using document::Value;
using document::ValuePtr;

struct Named {
  ValueType type;
  std::string_view name;
};
constexpr std::array kTypes{
    Named{ValueType::boolean, "bool"}, Named{ValueType::integer, "int"}, Named{ValueType::real, "float"},
    Named{ValueType::text, "text"},    Named{ValueType::bytes, "bytes"}, Named{ValueType::time, "time"},
    Named{ValueType::id, "id"},        Named{ValueType::list, "list"},   Named{ValueType::map, "map"},
    Named{ValueType::json, "json"},    Named{ValueType::user, "user"},   Named{ValueType::item, "item"}};

const std::string* text_in(const Value& value) { return value.string(); }
const document::Number* number_in(const Value& value) {
  return std::get_if<document::Number>(&value.content());
}

bool is_integer(const Value& value) {
  const auto* number = number_in(value);
  if (number == nullptr) return false;
  std::int64_t whole = 0;
  const char* end = number->text.data() + number->text.size();
  const auto read = std::from_chars(number->text.data(), end, whole);
  return read.ec == std::errc() && read.ptr == end;
}

bool is_time(const Value& value) { return is_integer(value) && number_in(value)->text.front() != '-'; }

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  while (text.ends_with('=')) text.remove_suffix(1);
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
}

bool is_user(std::string_view text) {
  // With the number that tells two of one name apart.
  return !text.empty() && code_point_count(text) <= kUserNameMaxCodePoints + 16 &&
         !has_control_character(text);
}

bool is_item(std::string_view text) {
  return text.starts_with('/') && text.size() <= kPathMaxBytes && text.find('\0') == std::string_view::npos;
}

bool is_of(ValueType type, const Value& value) {
  const std::string* text = text_in(value);
  switch (type) {
    case ValueType::boolean:
      return std::holds_alternative<bool>(value.content());
    case ValueType::integer:
      return is_integer(value);
    case ValueType::real:
      return number_in(value) != nullptr;
    case ValueType::text:
      return text != nullptr;
    case ValueType::bytes:
      return text != nullptr && is_base64(*text);
    case ValueType::time:
      return is_time(value);
    case ValueType::id:
      return text != nullptr && (session_id_from(*text) || unique_id_from(*text));
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

}  // namespace

std::string_view to_text(ValueType type) { return std::ranges::find(kTypes, type, &Named::type)->name; }

std::optional<ValueType> value_type_from(std::string_view text) {
  const auto found = std::ranges::find(kTypes, text, &Named::name);
  return found == kTypes.end() ? std::nullopt : std::optional(found->type);
}

std::string_view kind_of(const Value& value) {
  constexpr std::array<std::string_view, 6> kKinds{"null", "bool", "number", "text", "list", "map"};
  return kKinds.at(value.content().index());
}

Result<void> check_type(ValueType type, const Value& value) {
  if (is_of(type, value)) return {};
  // A text that is no name, or a number that is too large, says more by itself than by its kind.
  const bool is_short = value.size_bytes() <= 64 && !value.array() && !value.object();
  return Error{Outcome::usage, fmt::format("expected {}, got {}", to_text(type),
                                           is_short ? escaped(document::print(value)) : kind_of(value))};
}

Result<ValuePtr> value_from_text(ValueType type, std::string_view typed) {
  ValuePtr value;
  if (!is_utf8(typed)) return Error{Outcome::usage, "expected UTF-8"};
  if (is_typed_as_text(type)) {
    value = document::make_text(typed);
  } else if (type == ValueType::boolean) {
    const auto truth = bool_from(typed);
    if (!truth) return Error{Outcome::usage, fmt::format("expected yes or no, got {}", quoted(typed))};
    value = document::make_bool(*truth);
  } else {
    auto parsed = document::parse(typed);
    if (!parsed) {
      return Error{Outcome::usage, fmt::format("expected {}, got {}", to_text(type), quoted(typed))};
    }
    value = std::move(*parsed);
  }
  if (auto checked = check_type(type, *value); !checked) return checked.error();
  return value;
}

}  // namespace callboard
