#include "server/board/sha256.h"

#include <catch2/catch.hpp>
#include <string>

namespace callboard::sha256_test {
using namespace callboard::server;

namespace {

std::string hex(const Sha256& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string digest_of(std::string_view text) { return hex(sha256(as_bytes(text))); }

}  // namespace

TEST_CASE("a digest is the standard's") {
  CHECK(digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("secrets are the same when all of their bytes are") {
  const Sha256 one = sha256_of(UniqueId{1, 2});
  CHECK(is_same_secret(one, sha256_of(UniqueId{1, 2})));
  CHECK_FALSE(is_same_secret(one, sha256_of(UniqueId{2, 1})));
  for (std::size_t i = 0; i < one.size(); ++i) {
    Sha256 other = one;
    other[i] ^= 1;
    CHECK_FALSE(is_same_secret(one, other));
  }
}

}  // namespace callboard::sha256_test
