#include "server/announce_plan.h"

#include <catch2/catch.hpp>

namespace callboard::announce_plan_test {
using namespace callboard::server;

namespace {

net::Interface interface(const char* name, const char* address, const char* netmask, const char* broadcast) {
  net::Interface made;
  made.name = name;
  made.address = address;
  made.netmask = netmask;
  made.broadcast = broadcast;
  made.is_up = true;
  made.is_running = true;
  made.is_loopback = std::string(name) == "lo";
  return made;
}

const net::Interface kLoopback = interface("lo", "127.0.0.1", "255.0.0.0", "127.255.255.255");
const net::Interface kStudio = interface("eth0", "192.168.1.5", "255.255.255.0", "192.168.1.255");
const net::Interface kRender = interface("eth1", "10.0.7.2", "255.255.0.0", "10.0.255.255");
const net::Interface kTunnel = interface("tun0", "10.9.0.2", "255.255.255.255", "");
const AnnouncePolicy kEverywhere{"0.0.0.0", {}};

}  // namespace

TEST_CASE("every interface that can broadcast is told its own address") {
  const auto targets = announce_targets({kLoopback, kStudio, kRender, kTunnel}, kEverywhere);
  REQUIRE(targets.size() == 2);
  CHECK(targets[0] == AnnounceTarget{"192.168.1.255", "192.168.1.5", "eth0"});
  CHECK(targets[1] == AnnounceTarget{"10.0.255.255", "10.0.7.2", "eth1"});
}

TEST_CASE("a machine with nothing but loopback announces there") {
  net::Interface down = kStudio;
  down.is_up = false;
  const auto targets = announce_targets({kLoopback, down}, kEverywhere);
  REQUIRE(targets.size() == 1);
  CHECK(targets[0] == AnnounceTarget{"127.255.255.255", "127.0.0.1", "lo"});
}

TEST_CASE("a server that listens on one address announces on that interface alone") {
  CHECK(announce_targets({kLoopback, kStudio, kRender}, {"10.0.7.2", {}}) ==
        std::vector<AnnounceTarget>{{"10.0.255.255", "10.0.7.2", "eth1"}});
  CHECK(announce_targets({kLoopback, kStudio}, {"127.0.0.1", {}}) ==
        std::vector<AnnounceTarget>{{"127.255.255.255", "127.0.0.1", "lo"}});
}

TEST_CASE("given destinations replace the interfaces, each with the address that can be reached from there") {
  const auto targets = announce_targets({kLoopback, kStudio}, {"0.0.0.0", {"127.255.255.255", "172.16.0.9"}});
  REQUIRE(targets.size() == 2);
  CHECK(targets[0] == AnnounceTarget{"127.255.255.255", "127.0.0.1", "lo"});
  CHECK(targets[1] == AnnounceTarget{"172.16.0.9", "192.168.1.5", "eth0"});
}

TEST_CASE("a search is answered with the address that its sender can reach") {
  const std::vector<net::Interface> interfaces{kLoopback, kStudio, kRender};
  CHECK(address_facing(interfaces, kEverywhere, "10.0.200.1") == "10.0.7.2");
  CHECK(address_facing(interfaces, kEverywhere, "127.0.0.1") == "127.0.0.1");
  CHECK(address_facing(interfaces, kEverywhere, "8.8.8.8") == "192.168.1.5");
  CHECK(address_facing(interfaces, kEverywhere, "not an address") == "192.168.1.5");
  CHECK(address_facing({}, kEverywhere, "8.8.8.8") == "127.0.0.1");
  CHECK(address_facing(interfaces, {"10.0.7.2", {}}, "192.168.1.9") == "10.0.7.2");
}

}  // namespace callboard::announce_plan_test
