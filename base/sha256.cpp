#include "base/sha256.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace callboard {
namespace {

constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kLengthBytes = 8;

// The first 32 bits of the fractional parts of the square roots of the first eight primes …
constexpr std::array<std::uint32_t, 8> kStart = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
// … and of the cube roots of the first 64.
constexpr std::array<std::uint32_t, 64> kRounds = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using State = std::array<std::uint32_t, 8>;
using Schedule = std::array<std::uint32_t, 64>;

Schedule schedule_of(ByteView block) {
  Schedule words{};
  ByteReader reader(block);
  for (std::size_t i = 0; i < 16; ++i) words[i] = reader.u32();
  for (std::size_t i = 16; i < words.size(); ++i) {
    const std::uint32_t early = words[i - 15];
    const std::uint32_t late = words[i - 2];
    words[i] = words[i - 16] + words[i - 7] +
               (std::rotr(early, 7) ^ std::rotr(early, 18) ^ (early >> 3)) +
               (std::rotr(late, 17) ^ std::rotr(late, 19) ^ (late >> 10));
  }
  return words;
}

void add_block(State& state, ByteView block) {
  const Schedule words = schedule_of(block);
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint32_t first = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                                ((e & f) ^ (~e & g)) + kRounds[i] + words[i];
    const std::uint32_t second =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const State mixed = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += mixed[i];
}

// What is left behind the last whole block, a one bit, zeros, and the length in bits.
Bytes ending_of(ByteView rest, std::uint64_t size_bytes) {
  Bytes ending(rest.begin(), rest.end());
  ByteWriter writer(ending);
  writer.u8(0x80);
  while (ending.size() % kBlockBytes != kBlockBytes - kLengthBytes) writer.u8(0);
  writer.u64(size_bytes * 8);
  return ending;
}

}  // namespace

Sha256 sha256(ByteView bytes) {
  State state = kStart;
  ByteView rest = bytes;
  for (; rest.size() >= kBlockBytes; rest = rest.subspan(kBlockBytes))
    add_block(state, rest.first(kBlockBytes));
  const Bytes ending = ending_of(rest, bytes.size());
  for (ByteView last = ending; !last.empty(); last = last.subspan(kBlockBytes))
    add_block(state, last.first(kBlockBytes));
  Bytes written;
  ByteWriter writer(written);
  for (const std::uint32_t word : state) writer.u32(word);
  Sha256 digest{};
  std::transform(written.begin(), written.end(), digest.begin(), std::to_integer<std::uint8_t>);
  return digest;
}

Sha256 sha256_of(UniqueId secret) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u64(secret.high);
  writer.u64(secret.low);
  return sha256(bytes);
}

bool is_same_secret(const Sha256& a, const Sha256& b) {
  // volatile: each step must be taken, whatever the compiler knows.
  volatile std::uint8_t different = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    different = static_cast<std::uint8_t>(different | (a[i] ^ b[i]));
  }
  return different == 0;
}

}  // namespace callboard
