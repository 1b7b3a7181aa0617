#include "tests/e2e/gate.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>

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

}  // namespace

Gate::Gate(const std::string& to, std::string word)
    : word_(std::move(word)), to_port_(static_cast<std::uint16_t>(std::stoi(to.substr(to.rfind(':') + 1)))) {
  listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (listening_ < 0 || bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listening_, 1) != 0 ||
      getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("make a gate");
  }
  port_ = ntohs(address.sin_port);
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
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto to = loopback(to_port_);
  bool is_up = connect(server, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
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

}  // namespace callboard::e2e
