#include "tests/e2e/stranger.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <stdexcept>

#include "tests/support/process.h"

namespace callboard::e2e {
namespace {

sockaddr_in loopback(std::uint16_t port, int last = 1) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(0x7f000000U + static_cast<std::uint32_t>(last));
  return address;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

std::uint16_t port_of(const std::string& server) {
  return static_cast<std::uint16_t>(std::stoi(server.substr(server.rfind(':') + 1)));
}

}  // namespace

Stranger::Stranger(const std::string& server, int from, int receive_bytes)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (!fd_) throw std::runtime_error("no socket for a stranger");
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Without it each address has some 28,000 ports a minute.
  const linger at_once{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  if (receive_bytes > 0) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  const sockaddr_in here = loopback(0, from);
  const sockaddr_in there = loopback(port_of(server));
  // On loopback it is there at once, unless the backlog is full.
  if (::bind(fd_.get(), generic(here), sizeof here) != 0 ||
      (::connect(fd_.get(), generic(there), sizeof there) != 0 && errno != EINPROGRESS))
    is_ended_ = true;
}

void Stranger::send(ByteView bytes) {
  if (is_ended_) return;
  const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) is_ended_ = true;
}

void Stranger::say(const protocol::ClientMessage& message) {
  send(protocol::bytes_of(protocol::encode(message)));
}

void Stranger::say_json(std::string_view json, std::string_view attachment) {
  Bytes frame;
  if (attachment.empty()) {
    protocol::append_frame(protocol::kFrameObject, as_bytes(json), frame);
    return send(frame);
  }
  std::string body;
  for (int shift = 24; shift >= 0; shift -= 8) body += static_cast<char>((json.size() >> shift) & 0xff);
  body.append(json).append(attachment);
  protocol::append_frame(protocol::kFrameAttached, as_bytes(body), frame);
  send(frame);
}

void Stranger::visit(const std::string& name, const std::string& project) {
  protocol::Username username;
  username.name = name;
  username.clock = Timestamp{1};
  username.visit = true;
  say(username);
  say(protocol::Project{project});
}

Bytes Stranger::take() {
  Bytes all;
  std::array<std::byte, 64 * 1024> buffer;
  while (!is_ended_) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      is_ended_ = true;
      break;
    }
    all.insert(all.end(), buffer.begin(), buffer.begin() + got);
  }
  return all;
}

bool Stranger::wait_readable() const {
  pollfd wanted{fd_.get(), POLLIN, 0};
  return ::poll(&wanted, 1, static_cast<int>(support::kPatience.count())) == 1;
}

bool Stranger::wait_for_end() {
  while (!is_ended_) {
    if (!wait_readable()) return false;
    take();
  }
  return true;
}

std::optional<protocol::ServerMessage> Stranger::next() {
  for (;;) {
    const auto frame = reader_.next();
    if (!frame) return std::nullopt;
    if (*frame) {
      auto message = protocol::decode_server((*frame)->kind, (*frame)->body);
      if (!message) return std::nullopt;
      return std::move(*message);
    }
    if (is_ended_ || !wait_readable()) return std::nullopt;
    reader_.push(take());
  }
}

Datagrams::Datagrams(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), port_(port) {
  if (!fd_) throw std::runtime_error("no socket for datagrams");
}

void Datagrams::send(std::string_view text) const {
  const sockaddr_in to = loopback(port_);
  static_cast<void>(
      ::sendto(fd_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL, generic(to), sizeof to));
}

namespace {

struct ProcessPages {
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
};

ProcessPages pages_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  ProcessPages pages;
  if (!(file >> pages.total >> pages.resident)) throw std::runtime_error("its memory cannot be read");
  return pages;
}

}  // namespace

std::uint64_t resident_bytes_of(pid_t process) {
  return pages_of(process).resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t address_space_of(pid_t process) {
  return pages_of(process).total * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace callboard::e2e
