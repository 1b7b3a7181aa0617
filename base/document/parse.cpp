#include "base/document/parse.h"

#include <cmath>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/limits.h"
#include "base/text.h"

namespace callboard::document {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::uint32_t code_point, std::string& out) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
  if (code_point < 0x80) return byte(code_point);
  if (code_point < 0x800) {
    byte(0xc0 | code_point >> 6);
  } else if (code_point < 0x10000) {
    byte(0xe0 | code_point >> 12);
    byte(0x80 | (code_point >> 6 & 0x3f));
  } else {
    byte(0xf0 | code_point >> 18);
    byte(0x80 | (code_point >> 12 & 0x3f));
    byte(0x80 | (code_point >> 6 & 0x3f));
  }
  byte(0x80 | (code_point & 0x3f));
}

// Members with one key: the last counts, where the first stood.
void add_member(Object& object, std::unordered_map<std::string, std::size_t>& places, Member member) {
  constexpr std::size_t kFew = 16;
  if (object.size() < kFew) {
    for (Member& each : object) {
      if (each.key != member.key) continue;
      each.value = std::move(member.value);
      return;
    }
  } else {
    if (places.empty()) {
      for (std::size_t i = 0; i < object.size(); ++i) places.emplace(object[i].key, i);
    }
    const auto [place, is_new] = places.emplace(member.key, object.size());
    if (!is_new) {
      object[place->second].value = std::move(member.value);
      return;
    }
  }
  object.push_back(std::move(member));
}

// Reads from the front; the first error stops everything. Null: see error().
class Parser {
 public:
  Parser(std::string_view text, int depth_max) : text_(text), depth_max_(depth_max) {}

  ValuePtr whole() {
    ValuePtr value = any(0);
    skip_spaces();
    if (value && at_ != text_.size()) return fail("syntax error");
    return value;
  }
  const std::string& error() const { return error_; }

 private:
  ValuePtr fail(const std::string& what) {
    if (error_.empty()) error_ = what + " at byte " + std::to_string(at_ + 1);
    return nullptr;
  }
  void skip_spaces() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  ValuePtr any(int depth) {
    skip_spaces();
    switch (peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"': {
        std::string text;
        return string(text) ? make_value(std::move(text)) : nullptr;
      }
      case 't':
        return take_word("true") ? make_value(true) : fail("syntax error");
      case 'f':
        return take_word("false") ? make_value(false) : fail("syntax error");
      case 'n':
        return take_word("null") ? make_null() : fail("syntax error");
      default:
        return number();
    }
  }

  ValuePtr array(int depth) {
    if (depth == depth_max_) return fail("nested deeper than " + std::to_string(depth_max_));
    ++at_;
    Array elements;
    skip_spaces();
    if (take(']')) return make_value(std::move(elements));
    for (;;) {
      ValuePtr element = any(depth + 1);
      if (!element) return nullptr;
      elements.push_back(std::move(element));
      skip_spaces();
      if (take(']')) return make_value(std::move(elements));
      if (!take(',')) return fail("syntax error");
    }
  }

  ValuePtr object(int depth) {
    if (depth == depth_max_) return fail("nested deeper than " + std::to_string(depth_max_));
    ++at_;
    Object members;
    std::unordered_map<std::string, std::size_t> places;
    skip_spaces();
    if (take('}')) return make_value(std::move(members));
    for (;;) {
      Member member;
      skip_spaces();
      if (peek() != '"' || !string(member.key)) return fail("syntax error");
      skip_spaces();
      if (!take(':')) return fail("syntax error");
      member.value = any(depth + 1);
      if (!member.value) return nullptr;
      add_member(members, places, std::move(member));
      skip_spaces();
      if (take('}')) return make_value(std::move(members));
      if (!take(',')) return fail("syntax error");
    }
  }

  bool string(std::string& out) {
    ++at_;
    for (;;) {
      const std::size_t start = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20)
        ++at_;
      out.append(text_.substr(start, at_ - start));
      if (take('"')) return true;
      if (!take('\\') || !escape(out)) return fail("syntax error") != nullptr;
    }
  }

  bool escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const auto known = at_ < text_.size() ? kLetters.find(text_[at_]) : std::string_view::npos;
    if (known != std::string_view::npos) {
      ++at_;
      out += kMeanings[known];
      return true;
    }
    std::uint32_t unit = 0;
    if (!take('u') || !four_digits(unit)) return false;
    if (unit >= 0xdc00 && unit < 0xe000) return false;
    if (unit >= 0xd800 && unit < 0xdc00) {
      std::uint32_t low = 0;
      if (!take_word("\\u") || !four_digits(low) || low < 0xdc00 || low >= 0xe000) return false;
      unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(unit, out);
    return true;
  }

  bool four_digits(std::uint32_t& unit) {
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      const bool is_letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!is_digit(c) && !is_letter) return false;
      const int digit = is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
      unit = unit << 4 | static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return true;
  }

  ValuePtr number() {
    const std::size_t start = at_;
    bool is_whole = true;
    take('-');
    if (!take('0') && !digits()) return fail("syntax error");
    if (take('.')) {
      is_whole = false;
      if (!digits()) return fail("syntax error");
    }
    if (take('e') || take('E')) {
      is_whole = false;
      if (!take('-')) take('+');
      if (!digits()) return fail("syntax error");
    }
    Number number{std::string(text_.substr(start, at_ - start))};
    // What no reader could hold as a number is none.
    const bool is_long = number.text.size() > 300;
    if ((!is_whole || is_long) && !std::isfinite(std::strtod(number.text.c_str(), nullptr)))
      return fail("number out of range");
    return make_value(std::move(number));
  }

  bool digits() {
    const std::size_t start = at_;
    while (is_digit(peek())) ++at_;
    return at_ > start;
  }

  std::string_view text_;
  int depth_max_;
  std::size_t at_ = 0;
  std::string error_;
};

}  // namespace

Result<ValuePtr> parse(std::string_view json) { return parse_deeper(json, 0); }

Result<ValuePtr> parse_deeper(std::string_view json, int levels) {
  if (json.starts_with("\xef\xbb\xbf"))
    return Error{Outcome::refused, "expected JSON, got a byte order mark"};
  if (json.find('\0') != std::string_view::npos)
    return Error{Outcome::refused, "expected JSON, got a NUL byte"};
  if (!is_utf8(json)) return Error{Outcome::refused, "expected JSON, got bytes that are not UTF-8"};
  Parser parser(json, kJsonDepthMax + levels);
  if (ValuePtr value = parser.whole()) return value;
  return Error{Outcome::refused, "expected JSON, got " + parser.error()};
}

}  // namespace callboard::document
