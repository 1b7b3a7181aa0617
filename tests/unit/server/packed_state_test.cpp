// How the database keeps snapshots and keyframes.
#include "server/store/packed_state.h"

#include <catch2/catch.hpp>

#include <random>
#include <string>

namespace callboard::server {
namespace {

Bytes bytes_of(const std::string& text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

std::string noise(std::size_t size_bytes) {
  std::mt19937 random(7);
  std::string bytes(size_bytes, '\0');
  for (char& each : bytes) each = static_cast<char>(random());
  bytes.front() = 0;  // As states begin with their format or the high byte of a revision.
  return bytes;
}

}  // namespace

TEST_CASE("a state that is packed is shorter where that can be, and the same again") {
  const std::string same(1'000'000, 'x');
  const Bytes packed = packed_state(bytes_of(same));
  CHECK(packed.size() < same.size() / 100);
  CHECK(*unpacked_state(packed) == bytes_of(same));
  const std::string random = noise(10'000);
  CHECK(packed_state(bytes_of(random)).size() == random.size());
  CHECK(*unpacked_state(packed_state(bytes_of(random))) == bytes_of(random));
  CHECK(*unpacked_state(packed_state({})) == Bytes());
}

TEST_CASE("a state that was kept as it is, by an older version, is read") {
  const std::string old = std::string(8, '\0') + "story" + std::string(500, 'x');
  CHECK(*unpacked_state(as_bytes(old)) == bytes_of(old));
}

TEST_CASE("a packed state that is damaged is said to be, wherever that is") {
  const Bytes packed = packed_state(bytes_of(std::string(1000, 'x') + "y" + std::string(1000, 'z')));
  for (std::size_t size = 4; size < packed.size(); ++size) {
    INFO(size);
    const auto read = unpacked_state(ByteView(packed).first(size));
    REQUIRE_FALSE(read);
    CHECK(read.error().text.starts_with("a kept state is damaged: "));
  }
  for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
    INFO(bit);
    Bytes flipped = packed;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const auto read = unpacked_state(flipped);
    // Without the beginning of a frame it is one of an older version, which is looked at by whoever takes it apart.
    CHECK((!read || bit < 32 || *read == *unpacked_state(packed)));
  }
  // 128 MiB within 13 bytes.
  Bytes hollow = bytes_of("\x28\xb5\x2f\xfd\xa0");
  for (const int each : {0, 0, 0, 8, 1, 0, 0, 0}) hollow.push_back(static_cast<std::byte>(each));
  CHECK_THAT(unpacked_state(hollow).error().text, Catch::Contains("none that is possible"));
  // A length that nobody could keep: single segment, eight bytes of it.
  Bytes boast = bytes_of("\x28\xb5\x2f\xfd\xe0");
  boast.resize(boast.size() + 8, std::byte{0x7f});
  CHECK_FALSE(unpacked_state(boast));
}

}  // namespace callboard::server
