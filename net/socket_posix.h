#pragma once

#include <sys/socket.h>

#include <string_view>

#include "base/fd.h"
#include "net/endpoint.h"

// What the classes of net/ share about sockets. Private to net/.
namespace callboard::net {

// For send(): a peer that went away is an error, not a SIGPIPE, where the system can say so here.
#ifdef MSG_NOSIGNAL
constexpr int kNoSignal = MSG_NOSIGNAL;
#else
constexpr int kNoSignal = 0;
#endif

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size_bytes = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

SocketAddress copy_of(const sockaddr* address, socklen_t size_bytes);

// For a numeric IPv4 or IPv6 address (with %scope); anything else is a usage error.
Result<SocketAddress> numeric_address(const Endpoint& endpoint);

Endpoint endpoint_of(const sockaddr* address, socklen_t size_bytes);
// Empty when the socket has none.
Endpoint peer_of(int fd);
Endpoint local_of(int fd);

// socket() with close-on-exec, non-blocking. A stream sends as fast as a LAN takes it (see the .cpp).
Result<Fd> open_socket(int family, int type);
// Delays nothing, notices a peer that vanished (after about 75 s of silence on Linux), raises no SIGPIPE where that is a
// socket's option. What the system refuses is left at its default.
void set_stream_options(int fd);
// The same for a connection that carries a transfer: more may wait in the kernel.
void set_bulk_options(int fd);
void set_nonblocking(int fd, bool is_nonblocking);

// An error of a socket call with the outcome that fits a conversation: ECONNREFUSED and unreachable not_found, ETIMEDOUT
// timed_out, EPIPE and resets interrupted, else as os_error().
Error socket_error(std::string_view doing, int errno_value);

}  // namespace callboard::net
