#include "base/json_scanner.h"

#include <cmath>
#include <cstdlib>

#include "base/text.h"

namespace callboard {
namespace {

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

}  // namespace

Result<void> JsonScanner::check_bytes(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf"))
    return Error{Outcome::refused, "expected JSON, got a byte order mark"};
  if (text.find('\0') != std::string_view::npos)
    return Error{Outcome::refused, "expected JSON, got a NUL byte"};
  if (!is_utf8(text)) return Error{Outcome::refused, "expected JSON, got bytes that are not UTF-8"};
  return {};
}

bool JsonScanner::fail(std::string_view what) {
  if (error_.empty()) error_ = std::string(what) + " at byte " + std::to_string(at_ + 1);
  return false;
}

bool JsonScanner::take_word(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool JsonScanner::take_string(std::string& unescaped, std::string_view& value) {
  if (!take('"')) return fail_syntax();
  value = take_plain();
  if (take('"')) return true;
  unescaped = value;
  while (!take('"')) {
    if (!take('\\') || !take_escape(unescaped)) return fail_syntax();
    unescaped.append(take_plain());
  }
  value = unescaped;
  return true;
}

bool JsonScanner::take_escape(std::string& out) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const auto known = is_at_end() ? std::string_view::npos : kLetters.find(text_[at_]);
  if (known != std::string_view::npos) {
    ++at_;
    out += kMeanings[known];
    return true;
  }
  std::uint32_t unit = 0;
  if (!take('u') || !take_four_digits(unit)) return false;
  if (unit >= 0xdc00 && unit < 0xe000) return false;
  if (unit >= 0xd800 && unit < 0xdc00) {
    std::uint32_t low = 0;
    if (!take_word("\\u") || !take_four_digits(low) || low < 0xdc00 || low >= 0xe000) return false;
    unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(unit, out);
  return true;
}

bool JsonScanner::take_four_digits(std::uint32_t& unit) {
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

bool JsonScanner::take_any_number(std::string_view& value) {
  const std::size_t start = at_;
  bool is_whole = true;
  take('-');
  if (!take('0') && !take_digits()) return fail_syntax();
  if (take('.')) {
    is_whole = false;
    if (!take_digits()) return fail_syntax();
  }
  if (take('e') || take('E')) {
    is_whole = false;
    if (!take('-')) take('+');
    if (!take_digits()) return fail_syntax();
  }
  value = text_.substr(start, at_ - start);
  const bool is_long = value.size() > 300;
  if ((!is_whole || is_long) && !std::isfinite(std::strtod(std::string(value).c_str(), nullptr)))
    return fail("number out of range");
  return true;
}

bool JsonScanner::take_digits() {
  const std::size_t start = at_;
  while (is_digit(peek())) ++at_;
  return at_ > start;
}

}  // namespace callboard
