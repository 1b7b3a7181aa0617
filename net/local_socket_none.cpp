#include "net/local_socket.h"

#include <cerrno>

// Where there is no way to know whose process is at the other end.
namespace callboard::net {
namespace {

Error unsupported() { return {Outcome::failed, "sockets in a folder: not supported on this system"}; }

}  // namespace

Result<Fd> listen_local(int, const std::string&, int) { return unsupported(); }

Result<Fd> connect_local(int, const std::string&) { return unsupported(); }

Result<Fd> accept_local(int) {
  errno = 0;
  return unsupported();
}

}  // namespace callboard::net
