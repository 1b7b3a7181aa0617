#include "net/local_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "net/socket_posix.h"

namespace callboard::net {
namespace {

// Through /proc an address is short, however deep the directory lies, and means this directory whatever its path is by now.
Result<sockaddr_un> address_of(int directory_fd, const std::string& name) {
  const std::string path = "/proc/self/fd/" + std::to_string(directory_fd) + "/" + name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{Outcome::usage, "socket " + quoted(name) + ": its name is too long"};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* plain(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

Result<void> check_peer(int fd) {
  ucred peer{};
  socklen_t size_bytes = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size_bytes) != 0) {
    return os_error("look who is at a socket", errno);
  }
  if (peer.uid == ::geteuid()) return {};
  return Error{Outcome::refused, "a socket's other end: expected a process of user " +
                                     std::to_string(::geteuid()) + ", got one of " +
                                     std::to_string(peer.uid)};
}

}  // namespace

Result<Fd> listen_local(int directory_fd, const std::string& name, int backlog) {
  const std::string doing = "listen on " + quoted(name);
  const auto address = address_of(directory_fd, name);
  if (!address) return address.error();
  auto fd = open_socket(AF_UNIX, SOCK_STREAM);
  if (!fd) return fd.error().prefixed(doing);
  if (::unlinkat(directory_fd, name.c_str(), 0) != 0 && errno != ENOENT) return os_error(doing, errno);
  // What bind() makes has the socket's own permissions: there is no moment at which others could connect.
  if (::fchmod(fd->get(), 0600) != 0 || ::bind(fd->get(), plain(*address), sizeof *address) != 0 ||
      ::listen(fd->get(), backlog) != 0) {
    return os_error(doing, errno);
  }
  return fd;
}

Result<Fd> connect_local(int directory_fd, const std::string& name) {
  const std::string doing = "connect to " + quoted(name);
  const auto address = address_of(directory_fd, name);
  if (!address) return address.error();
  auto fd = open_socket(AF_UNIX, SOCK_STREAM);
  if (!fd) return fd.error().prefixed(doing);
  // While it does not block: one that hangs with a full backlog (EAGAIN) is as good as none.
  if (::connect(fd->get(), plain(*address), sizeof *address) != 0) {
    const int cause = errno;
    return cause == EAGAIN ? Error{Outcome::not_found, doing + ": it does not answer"}
                           : socket_error(doing, cause);
  }
  if (auto own = check_peer(fd->get()); !own) return own.error().prefixed(doing);
  set_nonblocking(fd->get(), false);
  return fd;
}

Result<Fd> accept_local(int listening_fd) {
  Fd fd(::accept4(listening_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) return os_error("accept a connection", errno);
  if (auto own = check_peer(fd.get()); !own) {
    errno = 0;
    return own.error();
  }
  return fd;
}

}  // namespace callboard::net
