#include "tests/unit/net/net_support.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <memory>

#include "net/socket_posix.h"

namespace callboard::net {

Bytes pattern(std::size_t size_bytes, std::uint32_t seed) {
  Bytes bytes(size_bytes);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  for (std::byte& byte : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<std::byte>(state & 0xff);
  }
  return bytes;
}

std::pair<Fd, Fd> socket_pair(bool is_nonblocking) {
  auto listening = open_socket(AF_INET, SOCK_STREAM);
  REQUIRE(listening);
  const auto any = *numeric_address({"127.0.0.1", 0});
  REQUIRE(::bind(listening->get(), any.get(), any.size_bytes) == 0);
  REQUIRE(::listen(listening->get(), 1) == 0);
  const auto target = *numeric_address(local_of(listening->get()));
  auto first = open_socket(AF_INET, SOCK_STREAM);
  REQUIRE(first);
  set_nonblocking(first->get(), false);
  REQUIRE(::connect(first->get(), target.get(), target.size_bytes) == 0);
  set_nonblocking(listening->get(), false);
  Fd second(::accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(second);
  set_stream_options(first->get());
  set_stream_options(second.get());
  set_nonblocking(first->get(), is_nonblocking);
  set_nonblocking(second.get(), is_nonblocking);
  return {std::move(*first), std::move(second)};
}

void reset_on_close(int fd) {
  const linger now{1, 0};
  REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
}

void set_buffer_sizes(int fd, int size_bytes) {
  REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size_bytes, sizeof(size_bytes)) == 0);
  REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size_bytes, sizeof(size_bytes)) == 0);
}

int open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), &::closedir);
  REQUIRE(directory);
  int count = 0;
  while (::readdir(directory.get()) != nullptr) {
    ++count;
  }
  return count;
}

TcpConnection::Handlers Peer::handlers() {
  return {[this] { ++connected; },
          [this](ByteView bytes) { received.insert(received.end(), bytes.begin(), bytes.end()); },
          [this] { ++drained; },
          [this](const Error& reason) {
            ++ended;
            why = reason;
          },
          {},
          [this] { ++held_up; }};
}

Link::Link(Loop& loop) {
  auto listening = TcpListener::listen(loop, {"127.0.0.1", 0},
                                       {[this](std::unique_ptr<TcpConnection> accepted) {
                                          server.connection = std::move(accepted);
                                          server.connection->start(server.handlers());
                                        },
                                        {}});
  REQUIRE(listening);
  listener = std::move(*listening);
  client.connection = TcpConnection::connect(loop, listener->local(), kTestLimit, client.handlers());
  REQUIRE(
      loop.run_until([this] { return server.connection != nullptr && client.connected == 1; }, kTestLimit));
}

}  // namespace callboard::net
