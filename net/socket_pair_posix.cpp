#include "net/socket_pair.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/error.h"

namespace callboard::net {
namespace {

#ifdef SOCK_CLOEXEC
constexpr int kPairType = SOCK_STREAM | SOCK_CLOEXEC;
#else
constexpr int kPairType = SOCK_STREAM;
#endif

}  // namespace

Result<std::pair<Fd, Fd>> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, kPairType, 0, ends) != 0) return os_error("make a pair of sockets", errno);
  std::pair<Fd, Fd> pair{Fd(ends[0]), Fd(ends[1])};
  for (const int each : ends) ::fcntl(each, F_SETFD, FD_CLOEXEC);
  return pair;
}

}  // namespace callboard::net
