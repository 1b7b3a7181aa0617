#include "net/tcp_listener.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <optional>

#include "net/socket_posix.h"
#include "tests/unit/net/net_support.h"

namespace callboard::net::tcp_listener_test {
namespace {

// Leaves the process without a free descriptor for as long as it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit few{std::min<rlim_t>(256, before_.rlim_max), before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); fd;
         fd = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC))) {
      taken_.push_back(std::move(fd));
    }
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<Fd> taken_;
};

}  // namespace

TEST_CASE("a listener reports the port it got, and a taken port is an error") {
  Loop loop;
  auto first = TcpListener::listen(loop, {"127.0.0.1", 0}, {});
  REQUIRE(first);
  CHECK((*first)->local().port != 0);
  const auto second = TcpListener::listen(loop, (*first)->local(), {});
  REQUIRE(!second);
  CHECK(second.error().text.find("listen on 127.0.0.1:") == 0);
  CHECK(second.error().outcome == Outcome::locked);
  CHECK(!TcpListener::listen(loop, {"moria", 0}, {}));
}

TEST_CASE("a listener may be destroyed while it hands over a connection") {
  Loop loop;
  std::unique_ptr<TcpListener> listener;
  int accepted = 0;
  listener = std::move(*TcpListener::listen(loop, {"127.0.0.1", 0},
                                            {[&](std::unique_ptr<TcpConnection>) {
                                               ++accepted;
                                               listener.reset();
                                             },
                                             {}}));
  Peer first;
  Peer second;
  first.connection = TcpConnection::connect(loop, listener->local(), kTestLimit, first.handlers());
  second.connection = TcpConnection::connect(loop, listener->local(), kTestLimit, second.handlers());
  loop.run();
  CHECK(accepted == 1);
  CHECK(first.ended == 1);
  CHECK(second.ended == 1);
}

TEST_CASE("without a free descriptor peers are closed, it is reported once, and it recovers") {
  Loop loop;
  std::vector<std::unique_ptr<TcpConnection>> accepted;
  std::vector<Error> troubles;
  auto listener = TcpListener::listen(
      loop, {"127.0.0.1", 0},
      {[&](std::unique_ptr<TcpConnection> connection) { accepted.push_back(std::move(connection)); },
       [&](const Error& why) { troubles.push_back(why); }});
  REQUIRE(listener);
  const auto target = *numeric_address((*listener)->local());
  std::vector<Fd> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::move(*open_socket(AF_INET, SOCK_STREAM)));
  }
  {
    const NoDescriptors none;
    for (const Fd& client : clients) {
      static_cast<void>(::connect(client.get(), target.get(), target.size_bytes));
    }
    const auto is_closed = [](const Fd& client) {
      char byte;
      return ::recv(client.get(), &byte, 1, MSG_DONTWAIT) == 0;
    };
    REQUIRE(loop.run_until(
        [&] { return is_closed(clients[0]) && is_closed(clients[1]) && is_closed(clients[2]); }, kTestLimit));
  }
  CHECK(accepted.empty());
  REQUIRE(troubles.size() == 1);
  CHECK(troubles[0].text.find("accept a connection: ") == 0);

  Peer late;
  late.connection = TcpConnection::connect(loop, (*listener)->local(), kTestLimit, late.handlers());
  REQUIRE(loop.run_until([&] { return accepted.size() == 1; }, kTestLimit));
  CHECK(troubles.size() == 1);
}

}  // namespace callboard::net::tcp_listener_test
