// Load on a running server's board, from one process with one loop of bare sockets that does as little as it can: frames are
// written from text and read as far as their verb, since the server shares the machine with it.
//   bench_board PORT PROJECT PID writes CLIENTS DEPTH SECONDS FOLDER
//       durable writes a second, DEPTH under way for each client, and the server's CPU time of each; beside it what the
//       device does: a page written and synced in FOLDER, one after the other, in the same run
//   bench_board PORT PROJECT PID idle SESSIONS SECONDS
//       resident bytes of the server for each idle session, and the part of a core it takes to keep them for that long
// Prints one line: mode count figures. How long a change takes to many listeners: bench_fanout.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
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
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kPatience = 120s;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench_board: %s\n", why.c_str());
  std::exit(1);
}

struct Guest {
  int fd = -1;
  int number = 0;
  bool is_joined = false;
  bool wants_turn = false;
  int steps = 0;  // Of the join.
  int owed = 0;   // Writes that may be sent.
  std::string in;
  std::string out;
};

class Hall {
 public:
  Hall(int port, std::string project) : port_(port), project_(std::move(project)) {}

  // Some at a time: the server lets in so many strangers at once.
  void fill(int count, bool visit) {
    constexpr std::size_t kAtOnce = 50;
    while (guests_.size() < static_cast<std::size_t>(count)) {
      const std::size_t until = std::min(guests_.size() + kAtOnce, static_cast<std::size_t>(count));
      while (guests_.size() < until) open(visit);
      const auto limit = Clock::now() + kPatience;
      while (joined_ < guests_.size()) {
        turn(1000);
        if (Clock::now() > limit) fail("the sessions did not join in time");
      }
    }
  }

  void write_whole(const std::string& text) {
    Guest& guest = *guests_.front();
    whole_ = frame(R"({"verb":"story","id":0,"timestamp":)" + now_text() + R"(,"op":")" +
                       bench::operation_text() + "\"}",
                   text);
    ask_turn(guest);
    const auto limit = Clock::now() + kPatience;
    while (acknowledged == 0 && Clock::now() < limit) turn(1000);
    guest.owed = 0;
  }

  void begin_writing(int depth) {
    for (const auto& each : guests_) {
      each->owed = depth;
      ask_turn(*each);
    }
  }

  void run_for(Clock::duration duration) {
    const auto until = Clock::now() + duration;
    while (Clock::now() < until) turn(10);
  }

  std::uint64_t acknowledged = 0;

 private:
  void open(bool visit) {
    auto guest = std::make_unique<Guest>();
    guest->number = static_cast<int>(guests_.size());
    guest->fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // One address has fewer connections than there may be sessions (base/limits.h).
    constexpr unsigned kPerAddress = 1'000;
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<unsigned>(guest->number) / kPerAddress);
    sockaddr_in to = here;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(port_));
    if (::bind(guest->fd, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 ||
        ::connect(guest->fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      fail(std::string("connect: ") + std::strerror(errno));
    const int on = 1;
    ::setsockopt(guest->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = guest.get();
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, guest->fd, &event);
    guest->out =
        frame(R"({"verb":"username","name":"guest )" + std::to_string(guest->number) + R"(","clock":)" +
              now_text() + (visit ? R"(,"visit":true)" : "") + R"(,"patches":true})");
    flush(*guest);
    guests_.push_back(std::move(guest));
  }

  void turn(int timeout_ms) {
    epoll_event events[256];
    const int count = ::epoll_wait(epoll_, events, 256, timeout_ms);
    for (int i = 0; i < count; ++i) read(*static_cast<Guest*>(events[i].data.ptr));
  }

  void read(Guest& guest) {
    static char buffer[256 * 1024];
    const ssize_t size = ::recv(guest.fd, buffer, sizeof buffer, 0);
    if (size <= 0) fail("a connection ended");
    std::string_view bytes(buffer, static_cast<std::size_t>(size));
    std::string pending = std::exchange(guest.in, {});
    if (!pending.empty()) bytes = pending.append(bytes);
    while (const std::size_t one = bench::frame_size(bytes)) {
      hear(guest, bench::verb_of(bytes.substr(0, one)));
      bytes.remove_prefix(one);
    }
    if (!bytes.empty()) guest.in = bytes;
    if (guest.owed > 0) ask_turn(guest);
    flush(guest);
  }

  static void flush(Guest& guest) {
    std::string_view left = guest.out;
    while (!left.empty()) {
      const ssize_t sent = ::send(guest.fd, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent < 0) fail(std::string("send: ") + std::strerror(errno));
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
    guest.out.clear();
  }

  void ask_turn(Guest& guest) {
    static const std::string kRequest = frame(R"({"verb":"turn?"})");
    if (std::exchange(guest.wants_turn, true)) return;
    guest.out += kRequest;
    flush(guest);
  }

  void hear(Guest& guest, std::string_view verb) {
    if (verb == "yours") return take_turn(guest);
    if (guest.is_joined) {
      if (verb == "error" || verb == "bye") fail("the server said " + std::string(verb));
      if (verb != "story") return;
      ++acknowledged;
      ++guest.owed;
    } else if (verb == "project?") {
      guest.out += frame(R"({"verb":"project","project":")" + project_ + "\"}");
    } else if (verb == "story" || verb == "assets" || verb == "analytics") {
      const bool is_offer = guest.steps++ % 2 == 0;
      guest.out += !is_offer          ? frame(R"({"verb":"ok"})")
                   : verb == "assets" ? frame(R"({"verb":"assets","items":{}})")
                                      : frame(R"({"verb":")" + std::string(verb) + R"(","timestamp":0})");
    } else if (verb == "bye" || verb == "wrong_project") {
      fail("the server said " + std::string(verb));
    }
  }

  void take_turn(Guest& guest) {
    static const std::string kYours = frame(R"({"verb":"yours"})");
    if (!std::exchange(guest.is_joined, true)) ++joined_;
    guest.wants_turn = false;
    guest.out += std::exchange(whole_, {});
    for (; guest.owed > 0; --guest.owed) guest.out += change(guest);
    guest.out += kYours;
  }

  std::string change(const Guest& guest) {
    const auto id = std::to_string(++asked_);
    return frame(R"({"verb":"story","id":)" + id + R"(,"timestamp":)" + now_text() + R"(,"op":")" +
                     bench::operation_text() + R"(","at":"/k)" + std::to_string(guest.number) + "\"}",
                 id);
  }

  int port_;
  std::string project_;
  int epoll_ = ::epoll_create1(0);
  std::size_t joined_ = 0;
  std::uint64_t asked_ = 0;
  std::string whole_;
  std::vector<std::unique_ptr<Guest>> guests_;
};

// Pages written and synced in a second, by nobody but us.
double syncs_per_second(const std::string& folder) {
  const std::string file = folder + "/floor";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) fail("open " + file);
  const std::string page(4096, 'x');
  const auto started = Clock::now();
  off_t count = 0;
  while (Clock::now() - started < 1s) {
    if (::pwrite(fd, page.data(), page.size(), count * 4096) != 4096 || ::fdatasync(fd) != 0) fail("write");
    ++count;
  }
  const std::chrono::duration<double> took = Clock::now() - started;
  ::close(fd);
  ::unlink(file.c_str());
  return static_cast<double>(count) / took.count();
}

void writes(Hall& hall, int pid, int clients, int depth, int seconds, const std::string& folder) {
  const double floor = syncs_per_second(folder);
  hall.fill(clients, true);
  std::string start = "{";
  for (int i = 0; i < clients; ++i) start += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
  hall.write_whole(start + "}");
  hall.begin_writing(depth);
  hall.run_for(1s);  // Not counted: everybody comes up to speed.
  const std::uint64_t before = hall.acknowledged;
  const double cpu_before = bench::cpu_seconds(pid);
  const double own_before = bench::cpu_seconds(::getpid());
  const auto started = Clock::now();
  hall.run_for(std::chrono::seconds(seconds));
  const std::chrono::duration<double> took = Clock::now() - started;
  const double cpu = bench::cpu_seconds(pid) - cpu_before;
  const double own = bench::cpu_seconds(::getpid()) - own_before;
  const auto count = static_cast<double>(hall.acknowledged - before);
  std::printf(
      "writes %d x %d: %.0f per second, %.1f us of CPU each (and %.1f of ours); the device syncs %.0f times "
      "per "
      "second: x %.2f\n",
      clients, depth, count / took.count(), 1e6 * cpu / count, 1e6 * own / count, floor,
      count / took.count() / floor);
}

double resident_bytes(int pid) {
  std::FILE* file = std::fopen(("/proc/" + std::to_string(pid) + "/statm").c_str(), "r");
  unsigned long long total = 0;
  unsigned long long resident = 0;
  if (file == nullptr || std::fscanf(file, "%llu %llu", &total, &resident) != 2) fail("read statm");
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

void idle(Hall& hall, int pid, int sessions, int seconds) {
  hall.fill(100, false);  // What the first ones cost once is not theirs.
  const double before = resident_bytes(pid);
  hall.fill(100 + sessions, false);
  hall.run_for(5s);
  const double after = resident_bytes(pid);
  const double cpu_before = bench::cpu_seconds(pid);
  hall.run_for(std::chrono::seconds(seconds));
  const double cpu = bench::cpu_seconds(pid) - cpu_before;
  std::printf("idle %d %.0f bytes per session, %.2f %% of a core\n", sessions, (after - before) / sessions,
              100 * cpu / seconds);
}

// One socket each, and some.
void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int count, char** words) {
  const std::string mode = count > 4 ? words[4] : "";
  const auto number = [&](int at) { return std::atoi(words[at]); };
  const bool is_writes = mode == "writes" && count == 9;
  if (!is_writes && !(mode == "idle" && count == 7)) {
    fail("usage: bench_board PORT PROJECT PID writes CLIENTS DEPTH SECONDS FOLDER | idle SESSIONS SECONDS");
  }
  raise_descriptor_limit();
  Hall hall(number(1), words[2]);
  if (is_writes) {
    writes(hall, number(3), number(5), number(6), number(7), words[8]);
  } else {
    idle(hall, number(3), number(5), number(6));
  }
  std::fflush(stdout);
  std::_Exit(0);  // The sessions need no goodbye.
}
