#include "server/announce_plan.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace callboard::server {
namespace {

std::optional<std::uint32_t> ipv4_from(std::string_view text) {
  std::uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (text.empty() || text[0] != '.') return std::nullopt;
      text.remove_prefix(1);
    }
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number > 255) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    value = (value << 8) | number;
  }
  return text.empty() ? std::optional(value) : std::nullopt;
}

bool is_usable(const net::Interface& interface) { return interface.is_up && !interface.broadcast.empty(); }

bool is_within(const net::Interface& interface, std::string_view address) {
  const auto mask = ipv4_from(interface.netmask);
  const auto own = ipv4_from(interface.address);
  const auto other = ipv4_from(address);
  return mask && own && other && (*own & *mask) == (*other & *mask);
}

bool is_wildcard(std::string_view listen) { return listen == "0.0.0.0" || listen == "::" || listen.empty(); }

const net::Interface* interface_facing(const std::vector<net::Interface>& interfaces, std::string_view peer) {
  const auto facing = std::find_if(
      interfaces.begin(), interfaces.end(),
      [&](const net::Interface& interface) { return interface.is_up && is_within(interface, peer); });
  if (facing != interfaces.end()) return &*facing;
  const auto other = std::find_if(interfaces.begin(), interfaces.end(), [](const net::Interface& interface) {
    return interface.is_up && !interface.is_loopback;
  });
  return other == interfaces.end() ? nullptr : &*other;
}

}  // namespace

std::string address_facing(const std::vector<net::Interface>& interfaces, const AnnouncePolicy& policy,
                           std::string_view peer) {
  if (!is_wildcard(policy.listen)) return policy.listen;
  const net::Interface* facing = interface_facing(interfaces, peer);
  return facing == nullptr ? "127.0.0.1" : facing->address;
}

std::vector<AnnounceTarget> announce_targets(const std::vector<net::Interface>& interfaces,
                                             const AnnouncePolicy& policy) {
  std::vector<AnnounceTarget> targets;
  for (const std::string& destination : policy.destinations) {
    const net::Interface* facing = interface_facing(interfaces, destination);
    targets.push_back({destination, address_facing(interfaces, policy, destination),
                       facing == nullptr ? "" : facing->name});
  }
  if (!policy.destinations.empty()) return targets;
  const auto add_if = [&](auto is_wanted) {
    for (const net::Interface& interface : interfaces) {
      if (!is_usable(interface) || !is_wanted(interface)) continue;
      targets.push_back({interface.broadcast, interface.address, interface.name});
    }
  };
  if (!is_wildcard(policy.listen)) {
    add_if([&](const net::Interface& interface) { return interface.address == policy.listen; });
    return targets;
  }
  add_if([](const net::Interface& interface) { return !interface.is_loopback; });
  if (targets.empty()) add_if([](const net::Interface& interface) { return interface.is_loopback; });
  return targets;
}

}  // namespace callboard::server
