#pragma once

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
  bool take_plain_string(std::string_view& value);
  // These fail when the token is not there, or damaged. `value` is of the text itself, or of `unescaped` where that differs.
  bool take_string(std::string& unescaped, std::string_view& value);
  // As it is written. What no reader could hold as a number is none.
  bool take_number(std::string_view& value);

  // Both false.
  bool fail(std::string_view what);
  bool fail_syntax() { return fail("syntax error"); }
  const std::string& error() const { return error_; }

 private:
  static bool is_space(char c) { return c <= ' ' && (c == ' ' || c == '\n' || c == '\t' || c == '\r'); }
  // What stands for itself in a string.
  std::string_view take_plain();
  bool take_escape(std::string& out);
  bool take_four_digits(std::uint32_t& unit);
  bool take_digits();

  std::string_view text_;
  std::size_t at_ = 0;
  std::string error_;
};

}  // namespace callboard
