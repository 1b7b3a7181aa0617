#include "base/document/field_type.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"

namespace callboard::document {
namespace {

using Word = std::pair<FieldType, std::string_view>;
constexpr std::array kTypeWords{
    Word{FieldType::boolean, "bool"}, Word{FieldType::integer, "int"}, Word{FieldType::number, "float"},
    Word{FieldType::text, "text"},    Word{FieldType::bytes, "bytes"}, Word{FieldType::time, "time"},
    Word{FieldType::id, "id"},        Word{FieldType::list, "list"},   Word{FieldType::map, "map"},
    Word{FieldType::json, "json"},    Word{FieldType::user, "user"},   Word{FieldType::item, "item"},
};
// The last millisecond of the year 9999, as for all times on the wire.
constexpr std::int64_t kTimeMaxMs = 253'402'300'799'999;
// With the " (2)" that tells two users of one name apart.
constexpr std::size_t kUserMax = kUserNameMaxCodePoints + 16;

bool is_whole_number(const Value& value, std::int64_t min, std::int64_t max) {
  const auto* number = std::get_if<Number>(&value.content());
  if (number == nullptr) return false;
  std::int64_t whole = 0;
  const char* const end = number->text.data() + number->text.size();
  const auto parsed = std::from_chars(number->text.data(), end, whole);
  return parsed.ec == std::errc() && parsed.ptr == end && whole >= min && whole <= max;
}

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return text.find_first_not_of(kDigits) == std::string_view::npos;
}

bool is_user(std::string_view text) {
  return !text.empty() && code_point_count(text) <= kUserMax && !has_control_character(text) &&
         !text.starts_with(' ') && !text.ends_with(' ');
}

bool is_item(std::string_view text) {
  return text.starts_with('/') && text.size() <= kPathMaxBytes && text.find('\0') == std::string_view::npos;
}

bool fits(FieldType type, const Value& value) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  const std::string* text = value.string();
  switch (type) {
    case FieldType::boolean:
      return std::holds_alternative<bool>(value.content());
    case FieldType::integer:
      return is_whole_number(value, kLeast, kMost);
    case FieldType::number:
      return std::holds_alternative<Number>(value.content());
    case FieldType::text:
      return text != nullptr;
    case FieldType::bytes:
      return text != nullptr && is_base64(*text);
    case FieldType::time:
      return is_whole_number(value, 0, kTimeMaxMs);
    case FieldType::id:
      return text != nullptr && unique_id_from(*text).has_value();
    case FieldType::list:
      return value.array() != nullptr;
    case FieldType::map:
      return value.object() != nullptr;
    case FieldType::json:
      return true;
    case FieldType::user:
      return text != nullptr && is_user(*text);
    case FieldType::item:
      return text != nullptr && is_item(*text);
  }
  return false;
}

}  // namespace

std::string_view to_text(FieldType type) {
  for (const auto& [known, word] : kTypeWords) {
    if (known == type) return word;
  }
  return "";
}

std::optional<FieldType> field_type_from(std::string_view word) {
  for (const auto& [type, known] : kTypeWords) {
    if (known == word) return type;
  }
  return std::nullopt;
}

Result<void> check(FieldType type, const Value& value) {
  if (fits(type, value)) return {};
  return Error{Outcome::usage,
               "expected " + std::string(to_text(type)) + ", got " + escaped(print(value), 64)};
}

}  // namespace callboard::document
