#include "base/name.h"

#include <string>

#include "base/text.h"

namespace callboard {

Result<void> check_name(std::string_view where, std::string_view name, std::size_t max) {
  const auto expected = [&](const std::string& what) {
    return Error{Outcome::usage, std::string(where) + " " + quoted(name) + ": expected " + what};
  };
  if (!is_utf8(name)) return expected("UTF-8");
  if (name.empty() || code_point_count(name) > max)
    return expected("1-" + std::to_string(max) + " characters");
  if (has_control_character(name)) return expected("no control characters");
  if (name.front() == ' ' || name.back() == ' ') return expected("no space at its ends");
  return {};
}

}  // namespace callboard
