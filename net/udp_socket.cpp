#include "net/udp_socket.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "net/socket_posix.h"
#include "net/uv_handle.h"

namespace callboard::net {

struct UdpSocket::Impl : std::enable_shared_from_this<UdpSocket::Impl> {
  Handlers handlers;
  Endpoint local;
  UvHandle<uv_udp_t> udp;

  Result<void> open(Loop& loop, const Options& options);

  static void on_alloc(uv_handle_t*, std::size_t, uv_buf_t* buffer) noexcept {
    // The largest datagram there is. One per thread: a handler is done with it before the next receive.
    static thread_local std::array<char, 64 * 1024> space;
    *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
  }
  static void on_received(uv_udp_t* handle, ssize_t size, const uv_buf_t* buffer, const sockaddr* from,
                          unsigned flags) noexcept;
};

namespace {

Result<Fd> bound_socket(const UdpSocket::Options& options) {
  auto address = numeric_address(options.at);
  if (!address) {
    return address.error();
  }
  auto fd = open_socket(address->family(), SOCK_DGRAM);
  if (!fd) {
    return fd;
  }
  const int on = 1;
  const std::string doing = "bind UDP " + to_text(options.at);
  if (::setsockopt(fd->get(), SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) != 0) {
    return os_error(doing, errno);
  }
  if (options.shares_port) {
    // Both, where there are both: who shares the port may have set either.
    ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
#ifdef SO_REUSEPORT
    ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
#endif
  }
  if (::bind(fd->get(), address->get(), address->size_bytes) != 0) {
    return os_error(doing, errno);
  }
  return fd;
}

}  // namespace

Result<void> UdpSocket::Impl::open(Loop& loop, const Options& options) {
  auto fd = bound_socket(options);
  if (!fd) {
    return fd.error();
  }
  local = local_of(fd->get());
  int rc = udp.open(this, [&](uv_udp_t* handle) { return uv_udp_init(loop.native(), handle); });
  rc = rc == 0 ? uv_udp_open(udp.get(), fd->get()) : rc;
  if (rc != 0) {
    return os_error("open a UDP socket", -rc);
  }
  static_cast<void>(fd->release());  // The handle closes it.
  rc = uv_udp_recv_start(udp.get(), &on_alloc, &on_received);
  return rc == 0 ? Result<void>{} : Result<void>(os_error("receive UDP on " + to_text(options.at), -rc));
}

void UdpSocket::Impl::on_received(uv_udp_t* handle, ssize_t size, const uv_buf_t* buffer,
                                  const sockaddr* from, unsigned) noexcept {
  auto* impl = owner_of<Impl>(handle);
  if (impl == nullptr || (size == 0 && from == nullptr)) {
    return;  // A null sender: nothing more to read for now.
  }
  const auto kept = impl->shared_from_this();
  if (size < 0) {
    if (kept->handlers.on_trouble) {
      kept->handlers.on_trouble(socket_error("receive UDP", static_cast<int>(-size)));
    }
    return;
  }
  const auto from_size = from->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  kept->handlers.on_datagram(as_bytes({buffer->base, static_cast<std::size_t>(size)}),
                             endpoint_of(from, static_cast<socklen_t>(from_size)));
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(Loop& loop, const Options& options, Handlers handlers) {
  auto impl = std::make_shared<Impl>();
  impl->handlers = std::move(handlers);
  if (auto opened = impl->open(loop, options); !opened) {
    return opened.error();
  }
  return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(impl)));
}

UdpSocket::UdpSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

UdpSocket::~UdpSocket() { impl_->udp.reset(); }

Result<void> UdpSocket::send(const Endpoint& to, ByteView datagram) {
  auto address = numeric_address(to);
  if (!address) {
    return address.error();
  }
  uv_os_fd_t fd = -1;
  int rc = uv_fileno(impl_->udp.handle(), &fd);
  if (rc == 0 && ::sendto(fd, datagram.data(), datagram.size(), 0, address->get(), address->size_bytes) < 0) {
    rc = -errno;
  }
  return rc == 0 ? Result<void>{} : Result<void>(socket_error("send UDP to " + to_text(to), -rc));
}

Endpoint UdpSocket::local() const { return impl_->local; }

}  // namespace callboard::net
