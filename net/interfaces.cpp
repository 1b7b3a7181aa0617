#include "net/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <tuple>

#include "net/socket_posix.h"

namespace callboard::net {
namespace {

in_addr ipv4_of(const sockaddr* address) {
  sockaddr_in copy{};
  std::memcpy(&copy, address, sizeof(copy));
  return copy.sin_addr;
}

std::string text_of(in_addr address) {
  sockaddr_in full{};
  full.sin_family = AF_INET;
  full.sin_addr = address;
  return endpoint_of(reinterpret_cast<const sockaddr*>(&full), sizeof(full)).host;
}

Interface interface_of(const ifaddrs& found) {
  const in_addr address = ipv4_of(found.ifa_addr);
  in_addr mask{};
  if (found.ifa_netmask != nullptr) {
    mask = ipv4_of(found.ifa_netmask);
  }
  Interface result;
  result.name = found.ifa_name;
  result.address = text_of(address);
  result.netmask = text_of(mask);
  result.is_up = (found.ifa_flags & IFF_UP) != 0;
  result.is_running = (found.ifa_flags & IFF_RUNNING) != 0;
  result.is_loopback = (found.ifa_flags & IFF_LOOPBACK) != 0;
  if ((found.ifa_flags & IFF_BROADCAST) != 0 && found.ifa_broadaddr != nullptr) {
    result.broadcast = text_of(ipv4_of(found.ifa_broadaddr));
  } else if (result.is_loopback) {
    result.broadcast = text_of(in_addr{address.s_addr | ~mask.s_addr});
  }
  return result;
}

}  // namespace

Result<std::vector<Interface>> interfaces() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) {
    return os_error("list network interfaces", errno);
  }
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(first, &::freeifaddrs);
  std::vector<Interface> result;
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_INET) {
      result.push_back(interface_of(*each));
    }
  }
  std::ranges::sort(result, [](const Interface& a, const Interface& b) {
    return std::tie(a.name, a.address) < std::tie(b.name, b.address);
  });
  return result;
}

}  // namespace callboard::net
