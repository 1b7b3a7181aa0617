#include "net/socket_posix.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace callboard::net {

SocketAddress copy_of(const sockaddr* address, socklen_t size_bytes) {
  SocketAddress copy;
  ENSURE(size_bytes <= sizeof(copy.storage));
  std::memcpy(&copy.storage, address, size_bytes);
  copy.size_bytes = size_bytes;
  return copy;
}

Result<SocketAddress> numeric_address(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(endpoint.port);
  if (endpoint.host.empty() || ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found) != 0) {
    return Error{Outcome::usage,
                 "address " + quoted(endpoint.host) + ": expected a numeric IPv4 or IPv6 address"};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  return copy_of(found->ai_addr, found->ai_addrlen);
}

Endpoint endpoint_of(const sockaddr* address, socklen_t size_bytes) {
  char host[NI_MAXHOST] = {};
  if (::getnameinfo(address, size_bytes, host, sizeof(host), nullptr, 0, NI_NUMERICHOST) != 0) {
    return {};
  }
  const std::uint16_t port = address->sa_family == AF_INET6
                                 ? reinterpret_cast<const sockaddr_in6*>(address)->sin6_port
                                 : reinterpret_cast<const sockaddr_in*>(address)->sin_port;
  return {host, ntohs(port)};
}

Endpoint peer_of(int fd) {
  SocketAddress address;
  return ::getpeername(fd, address.get(), &address.size_bytes) == 0
             ? endpoint_of(address.get(), address.size_bytes)
             : Endpoint{};
}

Endpoint local_of(int fd) {
  SocketAddress address;
  return ::getsockname(fd, address.get(), &address.size_bytes) == 0
             ? endpoint_of(address.get(), address.size_bytes)
             : Endpoint{};
}

namespace {

void set_option(int fd, int level, int name, int value) {
  // A refusal leaves a working socket with the system's default.
  static_cast<void>(::setsockopt(fd, level, name, &value, sizeof(value)));
}

// BBR, where it is the system's default, paces what it sends by a timer: made for the open internet, it takes twice the
// CPU for each byte of a transfer on a LAN. It cannot be left once a connection stands, so the choice is made before
// listen() and connect(); what is accepted inherits it. CUBIC may need a privilege that Reno never does.
void choose_unpaced_sending(int fd) {
#ifdef TCP_CONGESTION
  char name[16] = {};
  socklen_t size_bytes = sizeof(name) - 1;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size_bytes) != 0 ||
      !std::string_view(name).starts_with("bbr")) {
    return;
  }
  for (const std::string_view unpaced : {"cubic", "reno"}) {
    if (::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, unpaced.data(),
                     static_cast<socklen_t>(unpaced.size())) == 0) {
      return;
    }
  }
#else
  static_cast<void>(fd);
#endif
}

}  // namespace

Result<Fd> open_socket(int family, int type) {
#ifdef SOCK_CLOEXEC
  Fd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return os_error("open a socket", errno);
  }
#else
  Fd fd(::socket(family, type, 0));
  if (!fd) {
    return os_error("open a socket", errno);
  }
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  set_nonblocking(fd.get(), true);
#endif
  if (type == SOCK_STREAM) {
    choose_unpaced_sending(fd.get());
  }
  return fd;
}

void set_stream_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
  // First asked after 30 s of silence, then every 15 s: gone after three unanswered, 75 s in all.
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
#endif
#ifdef TCP_NOTSENT_LOWAT
  // What the kernel holds and cannot send yet only falls out of the caches, and delays what is cancelled.
  set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 256 * 1024);
#endif
#ifdef SO_NOSIGPIPE
  set_option(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
}

void set_bulk_options(int fd) {
  set_stream_options(fd);
#ifdef TCP_NOTSENT_LOWAT
  // Two rounds of the relay's pipe: at 256 KiB giver and relay wait for each other four times as often, for a tenth more
  // CPU. A cancelled transfer still ends within 20 ms of gigabit Ethernet.
  set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 2 * 1024 * 1024);
#endif
}

void set_nonblocking(int fd, bool is_nonblocking) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, is_nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

Error socket_error(std::string_view doing, int errno_value) {
  Error error = os_error(doing, errno_value);
  switch (errno_value) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
      error.outcome = Outcome::not_found;
      break;
    case ETIMEDOUT:
      error.outcome = Outcome::timed_out;
      break;
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED:
    case ENETRESET:
    case ENOTCONN:
      error.outcome = Outcome::interrupted;
      break;
    default:  // errno is open-ended.
      break;
  }
  return error;
}

}  // namespace callboard::net
