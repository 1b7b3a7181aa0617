// How many calls a second a server answers that take no time of their own: ours "ping", and redis-server's PING and INCR, through
// the same loop of bare sockets with the same number of requests under way.
//   bench_calls callboard|redis-ping|redis-incr PORT PID CLIENTS PIPELINE SECONDS
// Prints: name, clients, requests each has under way, calls per second, calls per second of the server's CPU time.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/cpu_time.h"
#include "tools/bench/wire.h"

namespace {

using namespace callboard;
using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench_calls: %s\n", why.c_str());
  std::exit(1);
}

struct Peer {
  int fd = -1;
  std::string in;
  std::string out;
  int awaited = 0;  // Answers to come.
  bool has_turn = false;
};

// What is said on one server's connections.
class Dialect {
 public:
  virtual ~Dialect() = default;
  virtual void greet(Peer& peer) = 0;
  // Takes what is whole from peer.in; how many calls it answered.
  virtual int take(Peer& peer) = 0;
  virtual bool may_ask(const Peer& peer) const = 0;
  virtual void ask(Peer& peer, int count) = 0;
};

// And wants it again.
const std::string kHandBack = bench::frame(R"({"verb":"yours"})") + bench::frame(R"({"verb":"turn?"})");

class Callboard final : public Dialect {
 public:
  // The greeting comes first.
  void greet(Peer&) override {}
  int take(Peer& peer) override {
    int answered = 0;
    std::size_t at = 0;
    for (std::size_t size = 0; (size = bench::frame_size(std::string_view(peer.in).substr(at))) > 0;
         at += size) {
      const std::string_view frame = std::string_view(peer.in).substr(at, size);
      // What has an attachment is a result.
      if (frame[4] == '\2') {
        ++answered;
        --peer.awaited;
      } else {
        hear(peer, bench::verb_of(frame));
      }
    }
    peer.in.erase(0, at);
    return answered;
  }
  bool may_ask(const Peer& peer) const override { return peer.has_turn; }
  void ask(Peer& peer, int count) override {
    // All are answered before the next are asked: their ids are good again, and the text is made once, as redis' is.
    if (count != asked_count_) {
      asks_.clear();
      for (int id = 1; id <= count; ++id)
        asks_ += bench::frame("{\"verb\":\"call\",\"id\":" + std::to_string(id) + ",\"name\":\"ping\"}");
      asks_ += kHandBack;
      asked_count_ = count;
    }
    peer.out += asks_;
    peer.has_turn = false;
  }

 private:
  static void hear(Peer& peer, std::string_view verb) {
    if (verb == "username?") {
      peer.out += bench::frame(
          "{\"verb\":\"username\",\"name\":\"bench\",\"visit\":true,\"clock\":" + bench::now_text() + "}");
    } else if (verb == "project?") {
      peer.out += bench::frame(R"({"verb":"project","project":"Bench"})");
    } else if (verb == "yours" && peer.awaited > 0) {
      // Some answers are later than the turn: without it the server cannot say them.
      peer.out += kHandBack;
    } else if (verb == "yours") {
      peer.has_turn = true;
    } else if (verb != "welcome") {
      fail("the server says " + std::string(verb));
    }
  }

  std::string asks_;
  int asked_count_ = 0;
};

class Redis final : public Dialect {
 public:
  explicit Redis(std::string command) : command_(std::move(command)) {}
  void greet(Peer& peer) override { peer.has_turn = true; }
  int take(Peer& peer) override {
    const auto answered = static_cast<int>(std::ranges::count(peer.in, '\n'));
    peer.in.erase(0, peer.in.rfind('\n') + 1);
    peer.awaited -= answered;
    return answered;
  }
  bool may_ask(const Peer&) const override { return true; }
  void ask(Peer& peer, int count) override {
    for (int i = 0; i < count; ++i) peer.out += command_;
  }

 private:
  std::string command_;
};

std::unique_ptr<Dialect> dialect_of(const std::string& name) {
  if (name == "callboard") return std::make_unique<Callboard>();
  if (name == "redis-ping") return std::make_unique<Redis>("*1\r\n$4\r\nPING\r\n");
  if (name == "redis-incr") return std::make_unique<Redis>("*2\r\n$4\r\nINCR\r\n$1\r\nc\r\n");
  fail(name + ": expected callboard, redis-ping or redis-incr");
}

int connect_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail("connect: no server");
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

// Batches are small enough for the socket's buffer.
void flush(Peer& peer) {
  while (!peer.out.empty()) {
    const ssize_t sent = ::write(peer.fd, peer.out.data(), peer.out.size());
    if (sent < 0 && errno != EINTR) fail("write failed");
    if (sent > 0) peer.out.erase(0, static_cast<std::size_t>(sent));
  }
}

int receive(Peer& peer, Dialect& dialect) {
  std::array<char, 65536> buffer;
  const ssize_t size = ::read(peer.fd, buffer.data(), buffer.size());
  if (size <= 0) fail("the server has closed a connection");
  peer.in.append(buffer.data(), static_cast<std::size_t>(size));
  return dialect.take(peer);
}

struct Load {
  int clients = 1;
  int pipeline = 1;
  double seconds = 1;
};

// A tenth of the time is for warming up.
void run(const std::string& name, int port, int pid, const Load& load) {
  const auto dialect = dialect_of(name);
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Peer> peers(static_cast<std::size_t>(load.clients));
  for (Peer& peer : peers) {
    peer.fd = connect_to(port);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &peer;
    ::epoll_ctl(poller, EPOLL_CTL_ADD, peer.fd, &event);
    dialect->greet(peer);
  }
  const auto since = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - since).count(); };
  double begun = 0;
  double cpu_before = 0;
  std::uint64_t calls = 0;
  for (bool is_warm = false; elapsed() < load.seconds;) {
    if (!is_warm && elapsed() > load.seconds / 10) {
      is_warm = true;
      calls = 0;
      begun = elapsed();
      cpu_before = bench::cpu_seconds(pid);
    }
    for (Peer& peer : peers) {
      if (peer.awaited > 0 || !dialect->may_ask(peer)) continue;
      dialect->ask(peer, load.pipeline);
      peer.awaited = load.pipeline;
      flush(peer);
    }
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), 1000);
    for (int i = 0; i < count; ++i) {
      auto& peer = *static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr);
      calls += static_cast<std::uint64_t>(receive(peer, *dialect));
      flush(peer);
    }
  }
  const double seconds = elapsed() - begun;
  const double cpu = std::max(bench::cpu_seconds(pid) - cpu_before, 1e-9);
  std::printf("%s %d %d %.0f %.0f\n", name.c_str(), load.clients, load.pipeline,
              static_cast<double>(calls) / seconds, static_cast<double>(calls) / cpu);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) fail("expected callboard|redis-ping|redis-incr PORT PID CLIENTS PIPELINE SECONDS");
  run(argv[1], std::atoi(argv[2]), std::atoi(argv[3]),
      {std::atoi(argv[4]), std::atoi(argv[5]), std::atof(argv[6])});
  return 0;
}
