#include "base/text_hash.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <random>

namespace callboard {
namespace {

struct SipState {
  std::uint64_t v0;
  std::uint64_t v1;
  std::uint64_t v2;
  std::uint64_t v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

// Little-endian, as the algorithm has it; the last word has the length in its highest byte.
std::uint64_t word_of(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return word;
}

struct SipKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

// Of the system, not of a simulated one: what it is must not show anywhere.
const SipKey& own_key() {
  static const SipKey key = [] {
    std::random_device device;
    const auto draw = [&] { return std::uint64_t{device()} << 32 | device(); };
    const std::uint64_t low = draw();
    return SipKey{low, draw()};
  }();
  return key;
}

}  // namespace

std::uint64_t sip_hash(std::uint64_t key_low, std::uint64_t key_high, std::string_view text) {
  SipState state{key_low ^ 0x736f6d6570736575, key_high ^ 0x646f72616e646f6d, key_low ^ 0x6c7967656e657261,
                 key_high ^ 0x7465646279746573};
  const std::uint64_t length = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word = 0;
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(&word, text.data(), sizeof word);
    } else {
      word = word_of(text.substr(0, 8));
    }
    state.take(word);
  }
  state.take(word_of(text) | length << 56);
  state.v2 ^= 0xff;
  for (int i = 0; i < 3; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

std::size_t TextHash::operator()(std::string_view text) const {
  const SipKey& key = own_key();
  return static_cast<std::size_t>(sip_hash(key.low, key.high, text));
}

}  // namespace callboard
