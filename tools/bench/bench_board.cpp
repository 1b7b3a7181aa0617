// Load on a running server's board, from one process with one loop, over the protocol's own client machine.
//   bench_board PORT PROJECT PID writes CLIENTS SECONDS FOLDER
//       durable writes a second, 64 under way for each client (one of a single client), and the server's CPU time of each;
//       beside it what the device does: a page written and synced in FOLDER, one after the other, in the same run
//   bench_board PORT PROJECT PID idle SESSIONS SECONDS
//       resident bytes of the server for each idle session, and the part of a core it takes to keep them for that long
// Prints one line: mode count figures. How long a change takes to many listeners: bench_fanout.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "client/connection.h"
#include "net/loop.h"
#include "tools/bench/cpu_time.h"

namespace {

using namespace callboard;
namespace action = protocol::client_action;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = 120s;
constexpr int kUnderWay = 64;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench_board: %s\n", why.c_str());
  std::exit(1);
}

// One session that claims nothing.
class Guest {
 public:
  Guest(net::Loop& loop, const net::Endpoint& server, const std::string& project, int number, bool visit) {
    protocol::ClientIdentity identity;
    identity.name = "guest " + std::to_string(number);
    identity.project = project;
    identity.visit = visit;
    identity.patches = true;
    identity.wall = system_clock().wall();
    client::Connection::Handlers handlers;
    handlers.on_action = [this](protocol::ClientAction next) { on_action(next); };
    handlers.on_closed = [](const Error& why) { fail("a session ended: " + why.text); };
    connection_ = std::make_unique<client::Connection>(loop, server, identity, std::move(handlers));
  }

  client::Connection& connection() { return *connection_; }

 private:
  void on_action(const protocol::ClientAction& next) {
    if (const auto* wanted = std::get_if<action::DocumentWanted>(&next)) {
      protocol::DocumentClaim claim;
      claim.record = wanted->record;
      connection_->claim(claim);
    } else if (std::holds_alternative<action::AssetsWanted>(next)) {
      connection_->claim(protocol::AssetsClaim{});
    }
  }

  std::unique_ptr<client::Connection> connection_;
};

struct Hall {
  Hall(std::uint16_t port, std::string named, int of)
      : server{"127.0.0.1", port}, project(std::move(named)), pid(of) {}

  // Some at a time: the server lets in so many strangers at once.
  void fill(int count, bool visit) {
    constexpr std::size_t kAtOnce = 50;
    while (guests.size() < static_cast<std::size_t>(count)) {
      const std::size_t until = std::min(guests.size() + kAtOnce, static_cast<std::size_t>(count));
      while (guests.size() < until) {
        guests.push_back(
            std::make_unique<Guest>(loop, server, project, static_cast<int>(guests.size()), visit));
      }
      const auto joined = [&] {
        return std::all_of(guests.begin(), guests.end(),
                           [](const auto& each) { return each->connection().is_joined(); });
      };
      if (!loop.run_until(joined, kPatience)) fail("the sessions did not join in time");
    }
  }

  net::Loop loop;
  net::Endpoint server;
  std::string project;
  int pid;  // The server's.
  std::vector<std::unique_ptr<Guest>> guests;
};

protocol::DocumentWrite change(const std::string& at, const std::string& value) {
  protocol::DocumentWrite write;
  write.timestamp = system_clock().wall();
  write.op = make_unique_id(system_random());
  write.at = at;
  write.document = std::make_shared<const std::string>(value);
  return write;
}

void write_whole(Hall& hall, const std::string& text) {
  auto write = change("", text);
  write.at.reset();
  bool is_done = false;
  hall.guests[0]->connection().ask(std::move(write), [&](const Result<protocol::ServerMessage>& reply) {
    if (!reply) fail(reply.error().text);
    is_done = true;
  });
  hall.loop.run_until([&] { return is_done; }, kPatience);
}

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

void writes(Hall& hall, int clients, int seconds, const std::string& folder) {
  const double floor = syncs_per_second(folder);
  hall.fill(clients, true);
  std::string start = "{";
  for (int i = 0; i < clients; ++i) start += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
  write_whole(hall, start + "}");
  std::uint64_t acknowledged = 0;
  const std::function<void(int)> keep_writing = [&](int i) {
    hall.guests[static_cast<std::size_t>(i)]->connection().ask(
        change("/k" + std::to_string(i), std::to_string(acknowledged)),
        [&, i](const Result<protocol::ServerMessage>& reply) {
          if (!reply) fail(reply.error().text);
          ++acknowledged;
          keep_writing(i);
        });
  };
  const int under_way = clients == 1 ? 1 : kUnderWay;
  for (int i = 0; i < clients; ++i) {
    for (int n = 0; n < under_way; ++n) keep_writing(i);
  }
  hall.loop.run_until([] { return false; }, 1s);  // Not counted: everybody comes up to speed.
  const std::uint64_t before = acknowledged;
  const double cpu_before = bench::cpu_seconds(hall.pid);
  const auto started = Clock::now();
  hall.loop.run_until([] { return false; }, std::chrono::seconds(seconds));
  const std::chrono::duration<double> took = Clock::now() - started;
  const double cpu = bench::cpu_seconds(hall.pid) - cpu_before;
  const auto count = static_cast<double>(acknowledged - before);
  std::printf(
      "writes %d %.0f per second, %.1f us of CPU each; the device syncs %.0f times per second: x %.2f\n",
      clients, count / took.count(), 1e6 * cpu / count, floor, count / took.count() / floor);
}

std::uint64_t memory(Hall& hall) {
  std::uint64_t size_bytes = 0;
  hall.guests[0]->connection().ask(protocol::StatusAsk{}, [&](const Result<protocol::ServerMessage>& reply) {
    if (reply) size_bytes = std::get<protocol::Status>(*reply).memory;
  });
  hall.loop.run_until([&] { return size_bytes != 0; }, kPatience);
  return size_bytes;
}

void idle(Hall& hall, int sessions, int seconds) {
  hall.fill(100, false);  // What the first ones cost once is not theirs.
  const std::uint64_t before = memory(hall);
  hall.fill(100 + sessions, false);
  hall.loop.run_until([] { return false; }, 3s);
  const std::uint64_t after = memory(hall);
  const double cpu_before = bench::cpu_seconds(hall.pid);
  hall.loop.run_until([] { return false; }, std::chrono::seconds(seconds));
  const double cpu = bench::cpu_seconds(hall.pid) - cpu_before;
  std::printf("idle %d %llu bytes per session, %.2f %% of a core\n", sessions,
              static_cast<unsigned long long>((after - std::min(before, after)) /
                                              static_cast<std::uint64_t>(sessions)),
              100 * cpu / seconds);
}

}  // namespace

int main(int count, char** words) {
  if (count < 7) fail("usage: bench_board PORT PROJECT PID writes|idle COUNT SECONDS [FOLDER]");
  Hall hall(static_cast<std::uint16_t>(std::atoi(words[1])), words[2], std::atoi(words[3]));
  const std::string mode = words[4];
  const int number = std::atoi(words[5]);
  const int seconds = std::atoi(words[6]);
  if (mode == "writes") {
    writes(hall, number, seconds, count > 7 ? words[7] : ".");
  } else if (mode == "idle") {
    idle(hall, number, seconds);
  } else {
    fail("expected writes or idle, got " + mode);
  }
  std::fflush(stdout);
  std::_Exit(0);  // The sessions need no goodbye.
}
