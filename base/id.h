#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace callboard {

// A session's name for its whole life, reconnects included. Greater means opened later (or a greater random part in the
// same millisecond), so ordering is total and the same everywhere: it breaks ties in arbitration. Text form: 16 hex digits.
struct SessionId {
  std::uint64_t value = 0;  // 42 bits of milliseconds since 1970 (until 2109), then 22 random bits.
  friend auto operator<=>(const SessionId&, const SessionId&) = default;
  explicit operator bool() const { return value != 0; }
};

// 128 bits that nobody else has: operations, servers, transfers' tickets. Text form: 32 hex digits.
struct UniqueId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const UniqueId&, const UniqueId&) = default;
  explicit operator bool() const { return high != 0 || low != 0; }
};

std::string to_text(SessionId id);
std::string to_text(UniqueId id);
std::optional<SessionId> session_id_from(std::string_view text);
std::optional<UniqueId> unique_id_from(std::string_view text);

// Where unguessable numbers come from; simulations pass a seeded one.
using RandomSource = std::function<std::uint64_t()>;
// The operating system's generator, fit for secrets. Thread: any.
RandomSource system_random();

SessionId make_session_id(Timestamp now, const RandomSource& random);
UniqueId make_unique_id(const RandomSource& random);
// Begins with 48 bits of milliseconds, then 80 random bits: a server's index of them grows at its end, where all that is new
// lies together. Not a secret.
UniqueId make_operation_id(Timestamp now, const RandomSource& random);

}  // namespace callboard

template <>
struct std::hash<callboard::SessionId> {
  std::size_t operator()(callboard::SessionId id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};
template <>
struct std::hash<callboard::UniqueId> {
  // Already random: any half is a hash.
  std::size_t operator()(callboard::UniqueId id) const noexcept { return static_cast<std::size_t>(id.low); }
};
