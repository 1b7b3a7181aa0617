#include "base/access_key.h"

#include <catch2/catch.hpp>
#include <string>

namespace callboard::access_key_test {
namespace {

const std::string kIdentity = "0123456789abcdef";
const std::string kSecret = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const std::string kLine = "cb1_" + kIdentity + "_" + kSecret;

}  // namespace

TEST_CASE("a key is one line, which reads as it was written, whatever white space came with it") {
  const auto key = access_key_from(kLine);
  REQUIRE(key);
  CHECK(key->identity == kIdentity);
  for (std::size_t i = 0; i < key->secret.size(); ++i) CHECK(key->secret[i] == i);
  CHECK(to_line(*key) == kLine);
  CHECK(*access_key_from(" \t" + kLine + "\r\n") == *key);
}

TEST_CASE("what is no key is refused, and nothing of it is said") {
  std::vector<std::string> wrong{"",          "cb1_",      "cb2" + kLine.substr(3), "xx " + kLine,
                                 kLine + "0", kLine + " x"};
  for (std::size_t size = 0; size < kLine.size(); ++size) wrong.push_back(kLine.substr(0, size));
  for (std::size_t at = 4; at < kLine.size(); ++at) {
    for (const char c : {'G', 'A', ' ', '\0', '\xff'}) {
      wrong.push_back(kLine);
      wrong.back()[at] = c;
    }
  }
  for (const std::string& line : wrong) {
    INFO(line);
    const auto key = access_key_from(line);
    REQUIRE_FALSE(key);
    CHECK(key.error().outcome == Outcome::usage);
    CHECK(key.error().text.find("0c0d") == std::string::npos);
  }
}

TEST_CASE("no two keys that are made are the same, in no part") {
  const AccessKey one = make_access_key(system_random());
  const AccessKey other = make_access_key(system_random());
  CHECK(one.identity != other.identity);
  CHECK(one.secret != other.secret);
  CHECK(*access_key_from(to_line(one)) == one);
}

}  // namespace callboard::access_key_test
