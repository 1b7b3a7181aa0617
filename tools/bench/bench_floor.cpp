// What a relayed copy of one file costs when nothing is done but moving it: sendfile -> TCP -> splice -> TCP -> write.
// No protocol, no digest, no index. Three processes, as giver, server and taker are.
//   bench_floor FROM TO

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

void require(bool works, const char* what) {
  if (works) return;
  std::perror(what);
  std::_Exit(1);
}

struct Link {
  int near = -1;
  int far = -1;
};

// As the program does: BBR, where it is the system's default, costs twice the CPU.
int open_stream() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  char name[16] = {};
  socklen_t size = sizeof name - 1;
  ::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size);
  if (std::strncmp(name, "bbr", 3) == 0 && ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) != 0)
    ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  return fd;
}

Link make_link() {
  const int listener = open_stream();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  require(::bind(listener, any, size) == 0 && ::listen(listener, 1) == 0, "listen");
  require(::getsockname(listener, any, &size) == 0, "getsockname");
  Link link{open_stream(), -1};
  require(::connect(link.near, any, size) == 0, "connect");
  link.far = ::accept(listener, nullptr, nullptr);
  ::close(listener);
  return link;
}

void give(int file, int socket) {
  while (::sendfile(socket, file, nullptr, 1 << 20) > 0) {
  }
}

void relay(int from, int to) {
  int pipe_ends[2];
  require(::pipe(pipe_ends) == 0 && ::fcntl(pipe_ends[0], F_SETPIPE_SZ, 1 << 20) > 0, "pipe");
  ssize_t got = 0;
  while ((got = ::splice(from, nullptr, pipe_ends[1], nullptr, 1 << 20, SPLICE_F_MOVE)) > 0) {
    while (got > 0) {
      const auto size = static_cast<std::size_t>(got);
      const ssize_t put = ::splice(pipe_ends[0], nullptr, to, nullptr, size, SPLICE_F_MOVE);
      require(put > 0, "splice");
      got -= put;
    }
  }
}

void take(int socket, int file) {
  std::vector<char> buffer(256 << 10);
  ssize_t got = 0;
  while ((got = ::recv(socket, buffer.data(), buffer.size(), 0)) > 0)
    require(::write(file, buffer.data(), static_cast<std::size_t>(got)) == got, "write");
}

}  // namespace

int main(int count, char** words) {
  require(count == 3, "usage: bench_floor FROM TO");
  const int from = ::open(words[1], O_RDONLY);
  const int to = ::open(words[2], O_WRONLY | O_CREAT | O_EXCL, 0644);
  require(from >= 0 && to >= 0, "open");
  const Link giver = make_link();
  const Link taker = make_link();
  if (::fork() == 0) {
    give(from, giver.near);
    std::_Exit(0);
  }
  ::close(giver.near);
  if (::fork() == 0) {
    ::close(taker.far);
    relay(giver.far, taker.near);
    std::_Exit(0);
  }
  ::close(giver.far);
  ::close(taker.near);
  take(taker.far, to);
  while (::wait(nullptr) > 0) {
  }
  struct stat sent {
  }, got{};
  require(::fstat(from, &sent) == 0 && ::fstat(to, &got) == 0 && sent.st_size == got.st_size,
          "compare sizes");
  return 0;
}
