// What changes of 256 bytes to many listeners cost a server, and how long they take to reach them: ours and others'
// through the same loop of bare sockets, each by the least that its protocol needs.
//   bench_fanout callboard|records|redis|nats|mqtt PORT PID LISTENERS ROUNDS CHANGES
// callboard is the story, which is on disk before it is told; records a record of the class "note", which lives in memory.
// So many changes of one place at once; the next ones when all know the newest. (Ours may tell several of them as one: what is
// there then. The others pass each on.) Prints: name, listeners, changes, ms at p50 and at p99 until a listener has the newest,
// changes times listeners per second of the server's CPU time, changes per second.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/bench/cpu_time.h"
#include "tools/bench/wire.h"

namespace {

using namespace callboard;
using bench::frame;
using bench::now_text;
using bench::operation_text;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t kChangeBytes = 256;
constexpr auto kPatience = 60s;
constexpr int kWarmUp = 5;
// At the end of the newest change, and nowhere else.
constexpr char kNewest = '!';

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench_fanout: %s\n", why.c_str());
  std::exit(1);
}

struct Peer {
  int fd = -1;
  int number = 0;  // 0 publishes, the others listen.
  bool is_ready = false;
  int heard = 0;  // Of how many rounds the newest change.
  int steps = 0;  // Of a join.
  std::string in;
  std::string out;
  bool has_spoken = false;  // In a turn whose `yours` is still to come.
};

// What is said on one server's connections. `take` looks at the beginning of what came and says how many bytes of it were a
// whole message, 0 for none; it marks the peer ready or counts the newest change heard, and leaves in `out` what is to be answered.
class Dialect {
 public:
  virtual ~Dialect() = default;
  virtual void greet(Peer& peer) = 0;
  virtual std::size_t take(Peer& peer, std::string_view bytes) = 0;
  virtual void publish(Peer& peer, const std::vector<std::string>& changes) {
    for (const std::string& each : changes) peer.out += message(each);
  }

 protected:
  virtual std::string message(const std::string& change) = 0;
  static void hear_change(Peer& peer, std::string_view message) {
    if (message.find(kNewest) != std::string_view::npos) ++peer.heard;
  }
};

std::size_t number_at(std::string_view text) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// --- Redis: RESP ----------------------------------------------------------------------------------------------------

class Redis final : public Dialect {
 public:
  void greet(Peer& peer) override {
    peer.out += peer.number == 0 ? "*1\r\n$4\r\nPING\r\n" : "*2\r\n$9\r\nSUBSCRIBE\r\n$5\r\nstory\r\n";
  }
  std::size_t take(Peer& peer, std::string_view bytes) override {
    std::size_t at = bytes.find("\r\n");
    if (at == std::string_view::npos) return 0;
    at += 2;
    const std::size_t count = bytes.front() == '*' ? number_at(bytes.substr(1)) : 0;
    const bool is_change = bytes.substr(at).starts_with("$7\r\nmessage");
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t end = bytes.find("\r\n", at);
      if (end == std::string_view::npos) return 0;
      const bool is_text = bytes[at] == '$';
      at = end + 2 + (is_text ? number_at(bytes.substr(at + 1)) + 2 : 0);
      if (at > bytes.size()) return 0;
    }
    if (is_change) hear_change(peer, bytes.substr(0, at));
    peer.is_ready = true;
    return at;
  }

 protected:
  std::string message(const std::string& change) override {
    return "*3\r\n$7\r\nPUBLISH\r\n$5\r\nstory\r\n$" + std::to_string(change.size()) + "\r\n" + change +
           "\r\n";
  }
};

// --- NATS: text -----------------------------------------------------------------------------------------------------

class Nats final : public Dialect {
 public:
  void greet(Peer& peer) override {
    peer.out += "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
    peer.out += peer.number == 0 ? "PING\r\n" : "SUB story 1\r\nPING\r\n";
  }
  std::size_t take(Peer& peer, std::string_view bytes) override {
    const std::size_t end = bytes.find("\r\n");
    if (end == std::string_view::npos) return 0;
    const std::string_view line = bytes.substr(0, end);
    std::size_t size = end + 2;
    if (line.starts_with("MSG ")) {
      size += number_at(line.substr(line.rfind(' ') + 1)) + 2;
      if (size > bytes.size()) return 0;
      hear_change(peer, bytes.substr(0, size));
    } else if (line == "PING") {
      peer.out += "PONG\r\n";
    } else if (line == "PONG") {
      peer.is_ready = true;
    }
    return size;
  }

 protected:
  std::string message(const std::string& change) override {
    return "PUB story " + std::to_string(change.size()) + "\r\n" + change + "\r\n";
  }
};

// --- MQTT 3.1.1, QoS 0 ----------------------------------------------------------------------------------------------

class Mqtt final : public Dialect {
 public:
  void greet(Peer& peer) override {
    const std::string name = "b" + std::to_string(peer.number);
    peer.out += packet(0x10, text("MQTT") + std::string("\x04\x02\0\0", 4) + text(name));
    if (peer.number != 0)
      peer.out += packet(0x82, std::string("\0\1", 2) + text("story") + std::string(1, '\0'));
  }
  std::size_t take(Peer& peer, std::string_view bytes) override {
    std::size_t size = 0;
    std::size_t at = 1;
    for (int shift = 0;; shift += 7, ++at) {
      if (at >= bytes.size()) return 0;
      size |= static_cast<std::size_t>(bytes[at] & 0x7f) << shift;
      if ((bytes[at] & 0x80) == 0) break;
    }
    if (at + 1 + size > bytes.size()) return 0;
    const int kind = static_cast<unsigned char>(bytes[0]) >> 4;
    if (kind == 3) hear_change(peer, bytes.substr(0, at + 1 + size));
    if (kind == (peer.number == 0 ? 2 : 9)) peer.is_ready = true;
    return at + 1 + size;
  }

 protected:
  std::string message(const std::string& change) override { return packet(0x30, text("story") + change); }

 private:
  static std::string text(const std::string& of) {
    return std::string{static_cast<char>(of.size() >> 8), static_cast<char>(of.size() & 0xff)} + of;
  }
  static std::string packet(int head, const std::string& body) {
    std::string out(1, static_cast<char>(head));
    std::size_t left = body.size();
    do {
      out += static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
      left >>= 7;
    } while (left > 0);
    return out + body;
  }
};

// --- Callboard ------------------------------------------------------------------------------------------------------
// The join's answers one after the other; then the turn is given back whenever it comes.

class Callboard : public Dialect {
 public:
  void greet(Peer& peer) override {
    peer.out += frame(R"({"verb":"username","name":"b)" + std::to_string(peer.number) + R"(","clock":)" +
                      now_text() + R"(,"patches":true})");
  }
  std::size_t take(Peer& peer, std::string_view bytes) override {
    const std::size_t size = bench::frame_size(bytes);
    if (size == 0) return 0;
    hear(peer, bytes.substr(0, size));
    return size;
  }
  void publish(Peer& peer, const std::vector<std::string>& changes) override {
    peer.out += frame(R"({"verb":"turn?","speaks":true})");
    Dialect::publish(peer, changes);
    peer.out += frame(R"({"verb":"yours"})");
    peer.has_spoken = true;
  }

 protected:
  // What is told of a change, and what makes it.
  virtual std::string_view told() const { return "story"; }
  std::string message(const std::string& change) override {
    const std::string json = R"({"verb":"story","id":)" + next_ask() + R"(,"at":"/k","timestamp":)" +
                             now_text() + R"(,"op":")" + operation_text() + "\"}";
    return frame(json, '"' + change + '"');
  }
  std::string next_ask() { return std::to_string(++asks_); }
  // Said in the first turn; answered before the peer is ready. None when empty.
  virtual std::string prelude(const Peer&) { return {}; }

 private:
  void hear(Peer& peer, std::string_view message) {
    const std::string_view verb = bench::verb_of(message);
    if (peer.is_ready) {
      if (verb == told()) hear_change(peer, message);
      if (verb == "yours" && !std::exchange(peer.has_spoken, false)) peer.out += frame(R"({"verb":"yours"})");
    } else if (verb == "project?") {
      peer.out += frame(R"({"verb":"project","project":"Bench"})");
    } else if (verb == "story" || verb == "assets" || verb == "analytics") {
      const bool is_offer = peer.steps++ % 2 == 0;
      peer.out += is_offer ? claim(peer, verb) : frame(R"({"verb":"ok"})");
    } else if (verb == "yours") {
      const std::string first = prelude(peer);
      peer.is_ready = first.empty();
      peer.out += first + frame(R"({"verb":"yours"})");
    } else if (verb == "ok") {
      peer.is_ready = true;
    } else if (verb == "bye" || verb == "error") {
      fail("the server said " + std::string(verb));
    }
  }
  std::string claim(const Peer& peer, std::string_view verb) {
    const std::string head = R"({"verb":")" + std::string(verb) + '"';
    if (verb == "assets") return frame(head + R"(,"items":{}})");
    if (peer.number != 0 || verb != "story") return frame(head + R"(,"timestamp":0})");
    return frame(head + R"(,"timestamp":)" + now_text() + R"(,"op":")" + operation_text() + "\"}",
                 R"({"k":""})");
  }

  std::uint64_t asks_ = 0;
};

class Records final : public Callboard {
 protected:
  std::string_view told() const override { return "records"; }
  std::string message(const std::string& change) override { return ask("set", change); }
  std::string prelude(const Peer& peer) override {
    if (peer.number != 0) return frame(R"({"verb":"enter","id":1,"zone":"/notes"})");
    return ask(R"(put","class":"note)", "");
  }

 private:
  std::string ask(std::string_view what, const std::string& text) {
    const std::string json = R"({"verb":"record","id":)" + next_ask() + R"(,"path":"/notes/a","op":")" +
                             operation_text() + R"(","do":")" + std::string(what) + "\"}";
    return frame(json, R"({"text":")" + text + "\"}");
  }
};

// --- The loop -------------------------------------------------------------------------------------------------------

class Hall {
 public:
  Hall(Dialect& dialect, int port) : dialect_(dialect), port_(port), epoll_(::epoll_create1(0)) {}

  void fill(int listeners) {
    for (int i = 0; i <= listeners; ++i) {
      open(i);
      // Few strangers at a time: servers let in so many at once.
      if (i % 50 == 0 || i == listeners) {
        run_until([&] {
          return std::all_of(peers_.begin(), peers_.end(), [](const auto& each) { return each->is_ready; });
        });
      }
    }
    // What the joins themselves gave everybody to hear.
    while (turn(1000)) {
    }
    for (const auto& peer : peers_) peer->heard = 0;
    heard_ = 0;
  }

  void round(int listeners, const std::vector<std::string>& changes) {
    heard_ = 0;
    started_ = Clock::now();
    dialect_.publish(*peers_[0], changes);
    flush(*peers_[0]);
    run_until([&] { return heard_ >= listeners; });
  }

  std::vector<double> milliseconds;

 private:
  void open(int number) {
    auto peer = std::make_unique<Peer>();
    peer->number = number;
    peer->fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port_));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(peer->fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail(std::strerror(errno));
    const int on = 1;
    ::setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = peer.get();
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, peer->fd, &event);
    dialect_.greet(*peer);
    flush(*peer);
    peers_.push_back(std::move(peer));
  }

  static void flush(Peer& peer) {
    // What is said here is little: it always fits.
    if (!peer.out.empty() && ::send(peer.fd, peer.out.data(), peer.out.size(), MSG_NOSIGNAL) < 0)
      fail("send");
    peer.out.clear();
  }

  template <class Condition>
  void run_until(Condition condition) {
    const auto limit = Clock::now() + kPatience;
    while (!condition()) {
      turn(1000);
      if (Clock::now() > limit) fail("not everybody was reached");
    }
  }

  bool turn(int timeout_ms) {
    epoll_event events[256];
    const int count = ::epoll_wait(epoll_, events, 256, timeout_ms);
    for (int i = 0; i < count; ++i) read(*static_cast<Peer*>(events[i].data.ptr));
    return count > 0;
  }

  void read(Peer& peer) {
    static char buffer[64 * 1024];
    const ssize_t size = ::recv(peer.fd, buffer, sizeof buffer, 0);
    if (size <= 0) fail("a connection ended");
    const std::chrono::duration<double, std::milli> since = Clock::now() - started_;
    peer.in.append(buffer, static_cast<std::size_t>(size));
    std::size_t taken = 0;
    const int before = peer.heard;
    while (taken < peer.in.size()) {
      const std::size_t one = dialect_.take(peer, std::string_view(peer.in).substr(taken));
      if (one == 0) break;
      taken += one;
    }
    peer.in.erase(0, taken);
    flush(peer);
    if (peer.number == 0 || peer.heard == before) return;
    ++heard_;
    milliseconds.push_back(since.count());
  }

  Dialect& dialect_;
  int port_;
  int epoll_;
  int heard_ = 0;
  Clock::time_point started_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

std::unique_ptr<Dialect> dialect_of(std::string_view name) {
  if (name == "callboard") return std::make_unique<Callboard>();
  if (name == "records") return std::make_unique<Records>();
  if (name == "redis") return std::make_unique<Redis>();
  if (name == "nats") return std::make_unique<Nats>();
  if (name == "mqtt") return std::make_unique<Mqtt>();
  fail("expected callboard, records, redis, nats or mqtt");
}

}  // namespace

int main(int count, char** words) {
  if (count != 7)
    fail("usage: bench_fanout callboard|records|redis|nats|mqtt PORT PID LISTENERS ROUNDS CHANGES");
  const auto dialect = dialect_of(words[1]);
  const int pid = std::atoi(words[3]);
  const int listeners = std::atoi(words[4]);
  const int rounds = std::atoi(words[5]);
  std::vector<std::string> changes(static_cast<std::size_t>(std::atoi(words[6])));
  if (changes.empty()) fail("expected at least one change");
  Hall hall(*dialect, std::atoi(words[2]));
  hall.fill(listeners);
  double started = 0;
  auto began = Clock::now();
  for (int round = -kWarmUp; round < rounds; ++round) {
    if (round == 0) {
      hall.milliseconds.clear();
      started = bench::cpu_seconds(pid);
      began = Clock::now();
    }
    for (std::size_t i = 0; i < changes.size(); ++i) {
      changes[i] = std::to_string(round) + " " + std::to_string(i);
      changes[i].resize(kChangeBytes, 'x');
    }
    changes.back().back() = kNewest;
    hall.round(listeners, changes);
  }
  const double cpu = bench::cpu_seconds(pid) - started;
  const std::chrono::duration<double> took = Clock::now() - began;
  auto& times = hall.milliseconds;
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  const double told = static_cast<double>(rounds) * static_cast<double>(changes.size());
  std::printf("%s %d %zu %.2f %.2f %.0f %.0f\n", words[1], listeners, changes.size(), at(0.5), at(0.99),
              told * listeners / cpu, told / took.count());
  return 0;
}
