#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/id.h"

namespace callboard {

// SHA-256 (FIPS 180-4): what a secret is kept as where only its holder may know it.
using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(ByteView bytes);
Sha256 sha256_of(UniqueId secret);

// Takes as long wherever the two differ, so that nobody learns from the time how much of a guess was right.
bool is_same_secret(const Sha256& a, const Sha256& b);

}  // namespace callboard
