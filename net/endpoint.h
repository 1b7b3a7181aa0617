#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace callboard::net {

// One end of a conversation: an IPv4 or IPv6 address in text, or a host name where one may be looked up, and a port.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// An IPv4 address from its text, e.g. 0x0a000007 of "10.0.0.7"; nullopt: it is none.
std::optional<std::uint32_t> ipv4_from(const std::string& text);

// "10.0.0.7:4100", "[fe80::1%eth0]:4100".
std::string to_text(const Endpoint& endpoint);

// What one machine has of addresses: an IPv4 address, also one in an IPv6 one's clothes, or the first half of an IPv6 address,
// as "2001:db8:0:7::/64". Anything else, a host's name for one, is left as it is.
std::string network_of(const std::string& host);

// Reads "HOST", "HOST:PORT", "[IPV6]", "[IPV6]:PORT" or a bare IPv6 address; the error names what was expected.
Result<Endpoint> endpoint_from(std::string_view text, std::uint16_t default_port);

}  // namespace callboard::net
