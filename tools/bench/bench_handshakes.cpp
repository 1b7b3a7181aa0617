// How many strangers a server with keys can tell from friends in a second: connections that prove a key, hear the greeting and
// go, by two threads with blocking sockets; then the same with a key that nobody has.
//   bench_handshakes PORT KEY-FILE PID SECONDS
// Prints one line each: handshakes a second, and the server's CPU time of one.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/access_key.h"
#include "base/fd.h"
#include "net/tls_engine.h"
#include "tools/bench/cpu_time.h"

namespace {

using namespace callboard;
using Clock = std::chrono::steady_clock;

constexpr int kThreads = 2;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench_handshakes: %s\n", why.c_str());
  std::exit(1);
}

void send_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

// Whether the server took the key.
bool shake_hands(int port, const AccessKey& key) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  const int on = 1;
  // Ports come back at once: there are 28,000.
  const linger at_once{1, 0};
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("connect");
  const auto engine = net::TlsEngine::client(key);
  engine->start();
  send_all(fd.get(), engine->take_sealed());
  std::array<std::byte, 4096> buffer;
  Bytes plain;
  for (;;) {
    const ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    if (!engine->receive(ByteView(buffer).first(static_cast<std::size_t>(got)), plain)) return false;
    send_all(fd.get(), engine->take_sealed());
    if (!plain.empty()) return true;
  }
}

void measure(const char* what, int port, const AccessKey& key, bool is_good, int pid, int seconds) {
  std::atomic<std::uint64_t> count = 0;
  const double cpu_before = bench::cpu_seconds(pid);
  const auto started = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (Clock::now() - started < std::chrono::seconds(seconds)) {
        if (shake_hands(port, key) != is_good) fail(std::string(what) + ": another outcome than expected");
        ++count;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> took = Clock::now() - started;
  const auto total = static_cast<double>(count.load());
  std::printf("%-24s %7.0f a second, %6.1f us of the server's CPU each\n", what, total / took.count(),
              1e6 * (bench::cpu_seconds(pid) - cpu_before) / total);
}

}  // namespace

int main(int count, char** words) {
  if (count != 5) fail("usage: bench_handshakes PORT KEY-FILE PID SECONDS");
  std::ifstream file(words[2]);
  std::string line;
  std::getline(file, line);
  const auto key = access_key_from(line);
  if (!key) fail(key.error().text);
  AccessKey forged = *key;
  ++forged.secret[0];
  const int port = std::atoi(words[1]);
  const int pid = std::atoi(words[3]);
  const int seconds = std::atoi(words[4]);
  measure("handshakes", port, *key, true, pid, seconds);
  measure("with a wrong secret", port, forged, false, pid, seconds);
  measure("with an unknown key", port, make_access_key(system_random()), false, pid, seconds);
  return 0;
}
