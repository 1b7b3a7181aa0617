#include "net/udp_socket.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/unit/net/net_support.h"

namespace callboard::net::udp_socket_test {
namespace {

struct Hearer {
  std::vector<std::string> heard;
  std::vector<Endpoint> from;
  std::unique_ptr<UdpSocket> socket;

  Hearer(Loop& loop, const UdpSocket::Options& options) {
    auto opened = UdpSocket::open(loop, options,
                                  {[this](ByteView datagram, const Endpoint& sender) {
                                     heard.emplace_back(as_text(datagram));
                                     from.push_back(sender);
                                   },
                                   {}});
    REQUIRE(opened);
    socket = std::move(*opened);
  }
};

}  // namespace

TEST_CASE("a broadcast on loopback is heard by every socket that shares the port") {
  Loop loop;
  Hearer first(loop, {{"0.0.0.0", 0}, true});
  const std::uint16_t port = first.socket->local().port;
  Hearer second(loop, {{"0.0.0.0", port}, true});
  Hearer on_broadcast_address(loop, {{"127.255.255.255", port}, true});
  Hearer sender(loop, {{"127.0.0.1", 0}, false});
  REQUIRE(sender.socket->send({"127.255.255.255", port}, as_bytes("WHERE")));
  REQUIRE(loop.run_until(
      [&] { return !first.heard.empty() && !second.heard.empty() && !on_broadcast_address.heard.empty(); },
      kTestLimit));
  CHECK(first.heard == std::vector<std::string>{"WHERE"});
  CHECK(second.heard == std::vector<std::string>{"WHERE"});
  CHECK(first.from.front() == sender.socket->local());

  REQUIRE(first.socket->send(first.from.front(), as_bytes("HERE")));
  REQUIRE(loop.run_until([&] { return !sender.heard.empty(); }, kTestLimit));
  CHECK(sender.heard == std::vector<std::string>{"HERE"});
  CHECK(sender.from.front().port == port);
}

TEST_CASE("a port that is not shared cannot be taken twice") {
  Loop loop;
  Hearer first(loop, {{"127.0.0.1", 0}, false});
  const auto second = UdpSocket::open(loop, {first.socket->local(), false}, {});
  REQUIRE(!second);
  CHECK(second.error().text.find("bind UDP 127.0.0.1:") == 0);
}

TEST_CASE("what cannot be sent is an error of that datagram alone") {
  Loop loop;
  Hearer hearer(loop, {{"127.0.0.1", 0}, false});
  CHECK(!hearer.socket->send({"127.0.0.1", 9}, pattern(70'000)));
  CHECK(!hearer.socket->send({"moria", 9}, as_bytes("x")));
  REQUIRE(hearer.socket->send(hearer.socket->local(), as_bytes("")));
  REQUIRE(hearer.socket->send(hearer.socket->local(), as_bytes("still here")));
  REQUIRE(loop.run_until([&] { return hearer.heard.size() == 2; }, kTestLimit));
  CHECK(hearer.heard == std::vector<std::string>{"", "still here"});
}

TEST_CASE("the largest datagram arrives whole, and a socket may be destroyed while it is heard") {
  Loop loop;
  std::unique_ptr<UdpSocket> socket;
  Bytes heard;
  const Bytes sent = pattern(65'507);
  socket = std::move(*UdpSocket::open(loop, {{"127.0.0.1", 0}, false},
                                      {[&](ByteView datagram, const Endpoint&) {
                                         socket.reset();
                                         heard.assign(datagram.begin(), datagram.end());
                                       },
                                       {}}));
  REQUIRE(socket->send(socket->local(), sent));
  REQUIRE(socket->send(socket->local(), as_bytes("never told")));
  loop.run();
  CHECK(heard == sent);
}

}  // namespace callboard::net::udp_socket_test
