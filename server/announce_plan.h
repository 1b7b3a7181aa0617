#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/interfaces.h"

namespace callboard::server {

// One announcement: where it goes, and the own address that whoever hears it there can reach.
struct AnnounceTarget {
  std::string destination;
  std::string own_address;
  std::string interface;  // For the log; empty when none fits.
  friend bool operator==(const AnnounceTarget&, const AnnounceTarget&) = default;
};

struct AnnouncePolicy {
  std::string listen;                     // What the server listens on; "0.0.0.0" or "::" for every address.
  std::vector<std::string> destinations;  // In place of the interfaces' broadcast addresses, unless empty.
};

// Where to announce now. Loopback only where nothing else can broadcast, or the server listens there alone.
std::vector<AnnounceTarget> announce_targets(const std::vector<net::Interface>& interfaces,
                                             const AnnouncePolicy& policy);

// The own address that `peer` (IPv4) can reach: that of the interface whose network it is in, else any but loopback.
std::string address_facing(const std::vector<net::Interface>& interfaces, const AnnouncePolicy& policy,
                           std::string_view peer);

}  // namespace callboard::server
