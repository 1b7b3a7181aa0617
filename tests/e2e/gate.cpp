#include "tests/e2e/gate.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

namespace callboard::e2e {
namespace {

// How often a waiting thread looks whether it may go on.
constexpr int kLookMs = 5;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::uint16_t port_of(const std::string& address) {
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

struct Listening {
  int fd = -1;
  std::uint16_t port = 0;
};

Listening listen_anywhere() {
  Listening made{.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (made.fd < 0 || bind(made.fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(made.fd, 16) != 0 || getsockname(made.fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("make a gate");
  }
  made.port = ntohs(address.sin_port);
  return made;
}

// -1 when nobody is there.
int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto to = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

Gate::Gate(const std::string& to, std::string word) : word_(std::move(word)), to_port_(port_of(to)) {
  const Listening made = listen_anywhere();
  listening_ = made.fd;
  port_ = made.port;
  thread_ = std::thread([this] { forward(); });
}

Gate::~Gate() {
  is_ending_ = true;
  thread_.join();
  if (listening_ >= 0) close(listening_);
}

std::string Gate::address() const { return "127.0.0.1:" + std::to_string(port_); }

bool Gate::wait_until_held() const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!is_holding_ && std::chrono::steady_clock::now() < deadline) poll(nullptr, 0, kLookMs);
  return is_holding_;
}

void Gate::forward() {
  pollfd waiting{.fd = listening_, .events = POLLIN, .revents = 0};
  while (!is_ending_ && poll(&waiting, 1, kLookMs) == 0) {
  }
  if (is_ending_) return;
  const int client = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
  // Whoever remembers this address finds at once that nobody is there.
  close(std::exchange(listening_, -1));
  const int server = connect_to(to_port_);
  bool is_up = server >= 0;
  std::string held;
  std::array<char, 65536> buffer{};
  while (is_up && !is_ending_) {
    if (is_open_ && !held.empty()) is_up = write_all(server, std::exchange(held, ""));
    std::array<pollfd, 2> ends{
        {{.fd = client, .events = POLLIN, .revents = 0}, {.fd = server, .events = POLLIN, .revents = 0}}};
    poll(ends.data(), ends.size(), kLookMs);
    for (std::size_t i = 0; i < ends.size() && is_up; ++i) {
      if (ends[i].revents == 0) continue;
      const auto size = read(ends[i].fd, buffer.data(), buffer.size());
      is_up = size > 0;
      if (!is_up) break;
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
      const bool is_kept =
          i == 0 && !is_open_ && (!held.empty() || bytes.find(word_) != std::string_view::npos);
      if (is_kept) {
        held += bytes;
        is_holding_ = true;
      } else {
        is_up = write_all(ends[1 - i].fd, bytes);
      }
    }
  }
  close(client);
  close(server);
}

Respelling::Respelling(const std::string& to, std::string word, std::string instead)
    : word_(std::move(word)), instead_(std::move(instead)), to_port_(port_of(to)) {
  if (word_.size() != instead_.size()) throw std::runtime_error("respell: expected words of one length");
  const Listening made = listen_anywhere();
  listening_ = made.fd;
  port_ = made.port;
  thread_ = std::thread([this] { forward(); });
}

Respelling::~Respelling() {
  is_ending_ = true;
  thread_.join();
  close(listening_);
}

// What a session says comes in one piece: it is small.
void Respelling::respell(std::string& bytes) {
  for (auto at = bytes.find(word_); at != std::string::npos; at = bytes.find(word_, at + 1)) {
    bytes.replace(at, word_.size(), instead_);
    ++heard_;
  }
}

// Every other one of `ends` is a client's, the one after it that client's way to the server. A pair whose one end is over goes.
void Respelling::forward() {
  std::vector<pollfd> ends{{.fd = listening_, .events = POLLIN, .revents = 0}};
  std::string bytes(1 << 16, '\0');
  while (!is_ending_) {
    poll(ends.data(), ends.size(), kLookMs);
    for (std::size_t i = 1; i < ends.size(); ++i) {
      if (ends[i].revents == 0) continue;
      const std::size_t other = i % 2 == 1 ? i + 1 : i - 1;
      bytes.resize(1 << 16);
      const auto size = read(ends[i].fd, bytes.data(), bytes.size());
      bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
      respell(bytes);
      if (size > 0 && write_all(ends[other].fd, bytes)) continue;
      const std::size_t first = std::min(i, other);
      close(ends[first].fd);
      close(ends[first + 1].fd);
      ends.erase(ends.begin() + static_cast<std::ptrdiff_t>(first),
                 ends.begin() + static_cast<std::ptrdiff_t>(first) + 2);
      break;
    }
    if (ends[0].revents == 0) continue;
    const int client = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = connect_to(to_port_);
    ends.push_back({.fd = client, .events = POLLIN, .revents = 0});
    ends.push_back({.fd = server, .events = POLLIN, .revents = 0});
  }
  for (std::size_t i = 1; i < ends.size(); ++i) close(ends[i].fd);
}

}  // namespace callboard::e2e
