#include "net/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace callboard::net {
namespace {

Result<std::uint16_t> port_from(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > 65535) {
    return Error{Outcome::usage, "port " + quoted(text) + ": expected 1-65535"};
  }
  return static_cast<std::uint16_t>(value);
}

Result<Endpoint> with_port(std::string_view host, std::string_view port_text) {
  auto port = port_from(port_text);
  if (!port) {
    return port.error();
  }
  return Endpoint{std::string(host), *port};
}

Error malformed(std::string_view text) {
  return Error{Outcome::usage, "address " + quoted(text) + ": expected HOST, HOST:PORT or [IPV6]:PORT"};
}

// Perhaps with a scope: "fe80::1%eth0".
bool is_ipv6(std::string_view text) {
  std::array<unsigned char, 16> address{};
  return ::inet_pton(AF_INET6, std::string(text.substr(0, text.find('%'))).c_str(), address.data()) == 1;
}

Result<Endpoint> bracketed(std::string_view text, std::uint16_t default_port) {
  const auto close = text.find(']');
  if (close == std::string_view::npos || close == 1) {
    return malformed(text);
  }
  const auto host = text.substr(1, close - 1);
  const auto rest = text.substr(close + 1);
  if (rest.empty()) {
    return Endpoint{std::string(host), default_port};
  }
  return rest.front() == ':' ? with_port(host, rest.substr(1)) : Result<Endpoint>(malformed(text));
}

}  // namespace

std::optional<std::uint32_t> ipv4_from(const std::string& text) {
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string to_text(const Endpoint& endpoint) {
  const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
  const std::string port = std::to_string(endpoint.port);
  return is_ipv6 ? "[" + endpoint.host + "]:" + port : endpoint.host + ":" + port;
}

std::string network_of(const std::string& host) {
  if (host.find(':') == std::string::npos) return host;
  std::array<unsigned char, 16> address{};
  const std::string without_scope = host.substr(0, host.find('%'));
  if (::inet_pton(AF_INET6, without_scope.c_str(), address.data()) != 1) return host;
  constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (std::equal(kMapped.begin(), kMapped.end(), address.begin())) {
    ::inet_ntop(AF_INET, address.data() + kMapped.size(), text.data(), text.size());
    return text.data();
  }
  std::fill(address.begin() + 8, address.end(), static_cast<unsigned char>(0));
  ::inet_ntop(AF_INET6, address.data(), text.data(), text.size());
  return std::string(text.data()) + "/64";
}

Result<Endpoint> endpoint_from(std::string_view text, std::uint16_t default_port) {
  constexpr std::size_t kHostMax = 255;  // Of a name in the DNS, with a scope or brackets to spare.
  if (text.empty() || text.size() > kHostMax || !is_utf8(text) || has_control_character(text) ||
      text.find(' ') != std::string_view::npos) {
    return malformed(text);
  }
  if (text.front() == '[') {
    return bracketed(text, default_port);
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) {
    return Endpoint{std::string(text), default_port};
  }
  if (text.find(':', colon + 1) != std::string_view::npos) {
    // Bare IPv6, or nothing that anybody could connect to.
    return is_ipv6(text) ? Result<Endpoint>(Endpoint{std::string(text), default_port}) : malformed(text);
  }
  return colon == 0 ? Result<Endpoint>(malformed(text))
                    : with_port(text.substr(0, colon), text.substr(colon + 1));
}

}  // namespace callboard::net
