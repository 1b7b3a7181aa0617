#include "net/endpoint.h"

#include <catch2/catch.hpp>

#include "net/interfaces.h"

namespace callboard::net::endpoint_test {

TEST_CASE("an endpoint is read from what people type") {
  CHECK(*endpoint_from("10.0.0.7", 64646) == Endpoint{"10.0.0.7", 64646});
  CHECK(*endpoint_from("moria:80", 64646) == Endpoint{"moria", 80});
  CHECK(*endpoint_from("::1", 64646) == Endpoint{"::1", 64646});
  CHECK(*endpoint_from("[fe80::1%eth0]", 64646) == Endpoint{"fe80::1%eth0", 64646});
  CHECK(*endpoint_from("[::1]:65535", 64646) == Endpoint{"::1", 65535});
}

TEST_CASE("what is no endpoint is refused with what was expected") {
  for (const char* text : {"", ":80", "a:", "a:0", "a:65536", "a:-1", "a:8x", "[]", "[::1", "[::1]x",
                           "[::1]:", "a b", "a\n", "a:b:80", "moria:80:"}) {
    INFO("text " << text);
    const auto endpoint = endpoint_from(text, 1);
    REQUIRE(!endpoint);
    CHECK(endpoint.error().outcome == Outcome::usage);
    CHECK(endpoint.error().text.find("expected") != std::string::npos);
  }
  CHECK(!endpoint_from(std::string(256, 'a'), 1));
}

TEST_CASE("an IPv4 address is read from its text, and nothing else is one") {
  CHECK(ipv4_from("10.0.0.7") == 0x0a000007u);
  CHECK(ipv4_from("0.0.0.0") == 0u);
  for (const char* text : {"", "10.0.0", "10.0.0.256", "10.0.0.7 ", "::1", "moria", "10.0.0.7:80"})
    CHECK_FALSE(ipv4_from(text));
}

TEST_CASE("an endpoint's text puts IPv6 addresses in brackets") {
  CHECK(to_text(Endpoint{"10.0.0.7", 4100}) == "10.0.0.7:4100");
  CHECK(to_text(Endpoint{"::1", 4100}) == "[::1]:4100");
}

TEST_CASE("an address belongs to what one machine may choose its addresses from") {
  CHECK(network_of("10.0.0.7") == "10.0.0.7");
  CHECK(network_of("::ffff:10.0.0.7") == "10.0.0.7");
  CHECK(network_of("2001:db8:0:7:1:2:3:4") == "2001:db8:0:7::/64");
  CHECK(network_of("2001:db8:0:7::9") == "2001:db8:0:7::/64");
  CHECK(network_of("2001:db8:0:8::9") == "2001:db8:0:8::/64");
  CHECK(network_of("fe80::1%eth0") == "fe80::/64");
  CHECK(network_of("::1") == "::/64");
  CHECK(network_of("a name: none") == "a name: none");
  CHECK(network_of("") == "");
}

TEST_CASE("the interfaces include loopback with its broadcast address") {
  const auto all = interfaces();
  REQUIRE(all);
  const Interface* loopback = nullptr;
  for (const Interface& each : *all) {
    CHECK_FALSE(each.name.empty());
    CHECK_FALSE(each.address.empty());
    if (each.address == "127.0.0.1") {
      loopback = &each;
    }
  }
  REQUIRE(loopback != nullptr);
  CHECK(loopback->is_loopback);
  CHECK(loopback->is_up);
  CHECK(loopback->netmask == "255.0.0.0");
  CHECK(loopback->broadcast == "127.255.255.255");
}

}  // namespace callboard::net::endpoint_test
