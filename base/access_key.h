#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"

namespace callboard {

// 256 bits that only a server and the holder of one key know.
using Secret = std::array<std::uint8_t, 32>;

// What lets somebody into a server with keys: an identity, which travels in the clear, and a secret, which never travels.
struct AccessKey {
  std::string identity;  // 16 hex digits.
  Secret secret{};
  friend bool operator==(const AccessKey&, const AccessKey&) = default;
};

// A key as a person hands it on, one line: "cb1_" IDENTITY "_" SECRET, 16 and 64 lower-case hex digits.
std::string to_line(const AccessKey& key);
// Whether it could be the identity of one.
bool is_key_identity(std::string_view text);
// Spaces and newlines around it do not matter. The error says what is wrong and nothing of what was read.
Result<AccessKey> access_key_from(std::string_view line);
AccessKey make_access_key(const RandomSource& random);

}  // namespace callboard
