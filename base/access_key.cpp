#include "base/access_key.h"

#include <algorithm>

#include "base/text.h"

namespace callboard {
namespace {

constexpr std::string_view kPrefix = "cb1_";
constexpr std::size_t kIdentityDigits = 16;
constexpr std::size_t kSecretDigits = 2 * sizeof(Secret);
constexpr std::size_t kLineSize = kPrefix.size() + kIdentityDigits + 1 + kSecretDigits;

bool is_lower_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

Error no_key(std::string_view why) {
  return {Outcome::usage, "a key is one line that begins with cb1_; " + std::string(why)};
}

}  // namespace

bool is_key_identity(std::string_view text) { return text.size() == kIdentityDigits && is_lower_hex(text); }

std::string to_line(const AccessKey& key) {
  const std::string_view secret(reinterpret_cast<const char*>(key.secret.data()), key.secret.size());
  return std::string(kPrefix) + key.identity + "_" + to_hex(secret);
}

Result<AccessKey> access_key_from(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with(kPrefix)) return no_key("this is none");
  if (line.size() != kLineSize) {
    return no_key("expected " + std::to_string(kLineSize) + " characters, got " +
                  std::to_string(line.size()));
  }
  const std::string_view identity = line.substr(kPrefix.size(), kIdentityDigits);
  const std::string_view secret = line.substr(line.size() - kSecretDigits);
  const bool is_sound =
      is_lower_hex(identity) && is_lower_hex(secret) && line[kPrefix.size() + kIdentityDigits] == '_';
  if (!is_sound) return no_key("this one was changed on its way here");
  AccessKey key;
  key.identity = identity;
  const std::string bytes = *from_hex(secret);
  std::ranges::transform(bytes, key.secret.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return key;
}

AccessKey make_access_key(const RandomSource& random) {
  AccessKey key;
  key.identity = to_text(SessionId{random()});
  for (std::size_t at = 0; at < key.secret.size(); at += 8) {
    const std::uint64_t bits = random();
    for (std::size_t i = 0; i < 8; ++i) key.secret[at + i] = static_cast<std::uint8_t>(bits >> (8 * i));
  }
  return key;
}

}  // namespace callboard
