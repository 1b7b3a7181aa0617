#include "base/mask.h"

#include <algorithm>
#include <cstddef>

namespace callboard {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::string_view kKeyBegins = "cb1_";
constexpr std::size_t kIdentityDigits = 16;
constexpr std::size_t kSecretRun = 40;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::size_t hex_run(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_hex) - text.begin());
}

// How much of the text, from its beginning, stays as it is before a secret of which so much follows; no secret: {0, 0}.
struct Found {
  std::size_t before = 0;
  std::size_t secret = 0;
};

Found secret_at(std::string_view text) {
  if (text.starts_with(kKeyBegins)) {
    const std::string_view rest = text.substr(kKeyBegins.size());
    const std::size_t before = kKeyBegins.size() + kIdentityDigits + 1;
    if (hex_run(rest) == kIdentityDigits && text.size() > before && text[before - 1] == '_')
      return {before, hex_run(text.substr(before))};
  }
  const std::size_t run = hex_run(text);
  return run >= kSecretRun ? Found{0, run} : Found{};
}

}  // namespace

std::string masked(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const Found found = secret_at(text);
    if (found.secret > 0) {
      shown += text.substr(0, found.before);
      shown += kMask;
      text.remove_prefix(found.before + found.secret);
      continue;
    }
    shown += text.front();
    text.remove_prefix(1);
  }
  return shown;
}

}  // namespace callboard
