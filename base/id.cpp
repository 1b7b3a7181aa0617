#include "base/id.h"

namespace callboard {
namespace {

constexpr int kRandomBits = 22;

std::string hex16(std::uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 4) *digit = kDigits[value & 0xf];
  return text;
}

std::optional<std::uint64_t> from_hex16(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = c >= 'a' && c <= 'f';
    if (!digit && !letter) return std::nullopt;
    value = (value << 4) | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return value;
}

}  // namespace

std::string to_text(SessionId id) { return hex16(id.value); }
std::string to_text(UniqueId id) { return hex16(id.high) + hex16(id.low); }

std::optional<SessionId> session_id_from(std::string_view text) {
  const auto value = from_hex16(text);
  if (!value || *value == 0) return std::nullopt;
  return SessionId{*value};
}

std::optional<UniqueId> unique_id_from(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  const auto high = from_hex16(text.substr(0, 16));
  const auto low = from_hex16(text.substr(16));
  if (!high || !low || (*high == 0 && *low == 0)) return std::nullopt;
  return UniqueId{*high, *low};
}

SessionId make_session_id(Timestamp now, const RandomSource& random) {
  const auto ms = static_cast<std::uint64_t>(now.ms) << kRandomBits;
  return SessionId{ms | (random() & ((1ULL << kRandomBits) - 1)) | 1};
}

UniqueId make_unique_id(const RandomSource& random) {
  const UniqueId id{random(), random()};
  return id ? id : UniqueId{0, 1};
}

UniqueId make_operation_id(Timestamp now, const RandomSource& random) {
  const auto time = static_cast<std::uint64_t>(now.ms) << 16;
  const UniqueId id{time | (random() & 0xffff), random()};
  return id ? id : UniqueId{0, 1};
}

}  // namespace callboard
