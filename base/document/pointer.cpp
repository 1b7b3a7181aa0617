#include "base/document/pointer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace callboard::document {

Result<Tokens> parse_pointer(std::string_view pointer) {
  Tokens tokens;
  const auto bad = [&](std::string_view why) {
    return Error{Outcome::usage, "pointer " + callboard::quoted(pointer) + ": " + std::string(why)};
  };
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') return bad("expected \"/\" at its beginning");
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    const char c = pointer[i];
    if (c == '/') {
      tokens.emplace_back();
    } else if (c != '~') {
      tokens.back() += c;
    } else if (++i < pointer.size() && (pointer[i] == '0' || pointer[i] == '1')) {
      tokens.back() += pointer[i] == '0' ? '~' : '/';
    } else {
      return bad("expected \"~0\" or \"~1\" after \"~\"");
    }
  }
  return tokens;
}

void append_token(std::string_view token, std::string& pointer) {
  pointer += '/';
  for (const char c : token) {
    if (c == '~' || c == '/') {
      pointer += c == '~' ? "~0" : "~1";
    } else {
      pointer += c;
    }
  }
}

std::string pointer_text(const Tokens& tokens) {
  std::string pointer;
  for (const std::string& each : tokens) append_token(each, pointer);
  return pointer;
}

std::optional<std::size_t> index_from(std::string_view token) {
  std::size_t index = 0;
  const auto parsed = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool is_index = parsed.ec == std::errc() && parsed.ptr == token.data() + token.size() &&
                        (token.size() == 1 || token.front() != '0');
  return is_index ? std::optional(index) : std::nullopt;
}

namespace {

constexpr std::array<std::string_view, 2> kKeyFields = {"id", "name"};

bool has_key(const Value& element, std::string_view field, std::string_view text) {
  const ValuePtr key = element.member(field);
  if (key == nullptr) return false;
  const auto* number = std::get_if<Number>(&key->content());
  return key->string() != nullptr ? *key->string() == text : number != nullptr && number->text == text;
}

}  // namespace

std::optional<std::size_t> index_in(const Array& array, std::string_view token) {
  if (const auto index = index_from(token); index && *index < array.size()) return index;
  const auto place_of = [&](const auto& is_it) -> std::optional<std::size_t> {
    const auto found = std::ranges::find_if(array, [&](const ValuePtr& each) { return is_it(*each); });
    return found == array.end() ? std::nullopt : std::optional<std::size_t>(found - array.begin());
  };
  const auto by_text = place_of([&](const Value& each) {
    return std::ranges::any_of(kKeyFields,
                               [&](std::string_view field) { return has_key(each, field, token); });
  });
  const std::size_t equals = token.find('=');
  const std::string_view field = token.substr(0, equals);
  if (by_text || equals == std::string_view::npos || std::ranges::find(kKeyFields, field) == kKeyFields.end())
    return by_text;
  return place_of([&](const Value& each) { return has_key(each, field, token.substr(equals + 1)); });
}

ValuePtr find(const ValuePtr& root, const Tokens& tokens) {
  ValuePtr at = root;
  for (const std::string& token : tokens) {
    if (at == nullptr) return nullptr;
    if (const Array* array = at->array()) {
      const auto index = index_in(*array, token);
      at = index ? (*array)[*index] : nullptr;
    } else {
      at = at->member(token);
    }
  }
  return at;
}

}  // namespace callboard::document
