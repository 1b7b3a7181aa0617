#include "base/text_hash.h"

#include <catch2/catch.hpp>
#include <string>

namespace callboard::text_hash_test {

TEST_CASE("texts are hashed as SipHash-1-3 says") {
  // The key is the bytes 00 to 0f, the text the bytes from 00 on: the first vectors of the algorithm's reference.
  constexpr std::uint64_t kLow = 0x0706050403020100;
  constexpr std::uint64_t kHigh = 0x0f0e0d0c0b0a0908;
  CHECK(sip_hash(kLow, kHigh, "") == 0xabac0158050fc4dc);
  CHECK(sip_hash(kLow, kHigh, std::string(1, '\0')) == 0xc9f49bf37d57ca93);
  // Each byte counts, and how many there are.
  CHECK(sip_hash(kLow, kHigh, "12345678") != sip_hash(kLow, kHigh, "12345679"));
  CHECK(sip_hash(kLow, kHigh, "1234567") != sip_hash(kLow, kHigh, std::string("1234567\0", 8)));
}

TEST_CASE("a text's hash is the same throughout a process, and is under a key of its own") {
  const TextHash hash;
  CHECK(hash("moria") == hash(std::string("moria")));
  CHECK(hash("moria") != hash("balin"));
  CHECK(hash("") != sip_hash(0, 0, ""));
  TextMap<int> map{{"moria", 1}};
  CHECK(map.find(std::string_view("moria")) != map.end());
}

}  // namespace callboard::text_hash_test
