#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace callboard {

// The tokens of a JSON text, from its front, for a parser that knows what may come next. The first failure is kept as the
// error and says where; a parser stops with it. The text must outlive the scanner and what it gave out.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  // What no JSON has anywhere: a byte order mark, NUL, bytes that are not UTF-8. For the whole text, before it is scanned.
  static Result<void> check_bytes(std::string_view text);

  // What stands for itself within a string.
  static bool is_plain(char c) { return kIsPlain[static_cast<unsigned char>(c)]; }

  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool is_at_end() const { return at_ == text_.size(); }
  // NUL at the end.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || is_at_end()) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word);
  // A string that has no escapes, as most have none; false, and it stays, when it is another, or there is none.
  bool take_plain_string(std::string_view& value) {
    const std::size_t start = at_;
    if (take('"')) {
      value = take_plain();
      if (take('"')) return true;
    }
    at_ = start;
    return false;
  }
  // These fail when the token is not there, or damaged. `value` is of the text itself, or of `unescaped` where that differs.
  bool take_string(std::string& unescaped, std::string_view& value);
  // As it is written. What no reader could hold as a number is none.
  bool take_number(std::string_view& value) { return take_short_number(value) || take_any_number(value); }

  // Both false.
  bool fail(std::string_view what);
  bool fail_syntax() { return fail("syntax error"); }
  const std::string& error() const { return error_; }

 private:
  static bool is_space(char c) { return c <= ' ' && (c == ' ' || c == '\n' || c == '\t' || c == '\r'); }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view take_plain() {
    const char* const begin = text_.data() + at_;
    const char* const end = text_.data() + text_.size();
    const char* at = begin;
    while (at != end && is_plain(*at)) ++at;
    const auto size = static_cast<std::size_t>(at - begin);
    at_ += size;
    return {begin, size};
  }
  // A whole one without a sign, as most are; false, and it stays, when it is another, or there is none.
  bool take_short_number(std::string_view& value) {
    constexpr std::size_t kShort = 19;
    std::size_t end = at_;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    const std::size_t size = end - at_;
    if (size == 0 || size > kShort || (size > 1 && text_[at_] == '0')) return false;
    if (end < text_.size() && (text_[end] == '.' || (text_[end] | 0x20) == 'e')) return false;
    value = text_.substr(at_, size);
    at_ = end;
    return true;
  }
  bool take_any_number(std::string_view& value);
  bool take_escape(std::string& out);
  bool take_four_digits(std::uint32_t& unit);
  bool take_digits();

  static constexpr std::array<bool, 256> kIsPlain = [] {
    std::array<bool, 256> is_plain{};
    for (std::size_t c = 0x20; c < is_plain.size(); ++c) is_plain[c] = c != '"' && c != '\\';
    return is_plain;
  }();

  std::string_view text_;
  std::size_t at_ = 0;
  std::string error_;
};

}  // namespace callboard
