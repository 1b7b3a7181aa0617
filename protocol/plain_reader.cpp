#include "protocol/plain_reader.h"

namespace callboard::protocol {

// Leading zeros and what 64 bits might not hold are no matter for here. `value` is set where there is one that fits.
bool PlainReader::take_number(std::uint64_t max, std::uint64_t& value) {
  constexpr std::size_t kDigitsMax = 19;
  std::size_t size = 0;
  std::uint64_t number = 0;
  while (size < rest_.size() && size <= kDigitsMax && rest_[size] >= '0' && rest_[size] <= '9')
    number = number * 10 + static_cast<std::uint64_t>(rest_[size++] - '0');
  if (size == 0 || size > kDigitsMax || (size > 1 && rest_.front() == '0') || number > max) return false;
  value = number;
  rest_.remove_prefix(size);
  return true;
}

bool PlainReader::take_text(std::string_view& text) {
  if (!rest_.starts_with('"')) return false;
  std::size_t end = 1;
  const auto is_ascii = [](char c) { return c > 0 && c < 0x7f; };
  while (end < rest_.size() && is_ascii(rest_[end]) && JsonScanner::is_plain(rest_[end])) ++end;
  if (end == rest_.size() || rest_[end] != '"') return false;
  text = rest_.substr(1, end - 1);
  rest_.remove_prefix(end + 1);
  return true;
}

bool PlainReader::surely_fits(std::string_view ascii, const TextRule& rule) {
  if (ascii.size() < rule.min || ascii.size() > rule.max) return false;
  if (ascii.empty()) return true;
  if (rule.one_line && (ascii.front() == ' ' || ascii.back() == ' ')) return false;
  if (rule.path && ascii.front() != '/') return false;
  // A step is one; a hidden file is not, and FieldReader knows.
  return rule.steps || (ascii.front() != '.' && ascii.find("/.") == std::string_view::npos);
}

}  // namespace callboard::protocol
