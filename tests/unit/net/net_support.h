#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "net/loop.h"
#include "net/tcp_connection.h"
#include "net/tcp_listener.h"

namespace callboard::net {

// A test that waits longer than this fails. No test waits that long when all is well.
inline constexpr auto kTestLimit = 20s;

// Bytes that repeat nowhere, the same for the same seed.
Bytes pattern(std::size_t size_bytes, std::uint32_t seed = 1);

// Two connected TCP sockets on loopback, blocking unless asked otherwise.
std::pair<Fd, Fd> socket_pair(bool is_nonblocking = false);

// Makes close() send a reset.
void reset_on_close(int fd);
void set_buffer_sizes(int fd, int size_bytes);
int open_descriptors();

// Records what a connection tells.
struct Peer {
  std::unique_ptr<TcpConnection> connection;
  Bytes received;
  int connected = 0;
  int held_up = 0;
  int drained = 0;
  int ended = 0;
  Error why;

  TcpConnection::Handlers handlers();
};

// A listener on 127.0.0.1 with one connection through it.
struct Link {
  explicit Link(Loop& loop);
  std::unique_ptr<TcpListener> listener;
  Peer server;
  Peer client;
};

}  // namespace callboard::net
