// Load on a running server's board, from one process with one loop, over the protocol's own client machine.
//   bench_board PORT PROJECT writes CLIENTS SECONDS     durable writes a second, 64 under way for each client
//   bench_board PORT PROJECT fanout LISTENERS ROUNDS    from a story change of 256 bytes to each listener: p50, p99
//   bench_board PORT PROJECT idle SESSIONS              resident bytes of the server for each idle session
// Prints one line: mode count figures.

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

// One session that claims nothing, and passes on what it is told.
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
  std::function<void(const protocol::ServerMessage&)> on_told;

 private:
  void on_action(const protocol::ClientAction& next) {
    if (const auto* wanted = std::get_if<action::DocumentWanted>(&next)) {
      protocol::DocumentClaim claim;
      claim.record = wanted->record;
      connection_->claim(claim);
    } else if (std::holds_alternative<action::AssetsWanted>(next)) {
      connection_->claim(protocol::AssetsClaim{});
    } else if (const auto* told = std::get_if<action::Told>(&next)) {
      if (on_told) on_told(told->message);
    }
  }

  std::unique_ptr<client::Connection> connection_;
};

struct Hall {
  Hall(std::uint16_t port, std::string named) : server{"127.0.0.1", port}, project(std::move(named)) {}

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

void writes(Hall& hall, int clients, int seconds) {
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
  const auto started = Clock::now();
  hall.loop.run_until([] { return false; }, std::chrono::seconds(seconds));
  const std::chrono::duration<double> took = Clock::now() - started;
  std::printf("writes %d %.0f per second\n", clients,
              static_cast<double>(acknowledged - before) / took.count());
}

void fanout(Hall& hall, int listeners, int rounds) {
  hall.fill(listeners + 1, false);
  write_whole(hall, "{\"text\":\"" + std::string(4096, 'x') + "\",\"k\":0}");
  std::vector<double> milliseconds;
  int heard = 0;
  Clock::time_point started;
  for (int i = 1; i <= listeners; ++i) {
    hall.guests[static_cast<std::size_t>(i)]->on_told = [&](const protocol::ServerMessage& message) {
      if (!std::holds_alternative<protocol::DocumentState>(message)) return;
      ++heard;
      milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - started).count());
    };
  }
  hall.loop.run_until([] { return false; }, 1s);
  milliseconds.clear();
  for (int round = 0; round < rounds; ++round) {
    heard = 0;
    started = Clock::now();
    const std::string value = "\"" + std::string(200, 'y') + std::to_string(round) + "\"";
    hall.guests[0]->connection().ask(change("/k", value), [](const Result<protocol::ServerMessage>&) {});
    if (!hall.loop.run_until([&] { return heard == listeners; }, kPatience)) fail("a change did not arrive");
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](double part) {
    return milliseconds[static_cast<std::size_t>(part * static_cast<double>(milliseconds.size() - 1))];
  };
  std::printf("fanout %d p50 %.2f ms p99 %.2f ms\n", listeners, at(0.5), at(0.99));
}

std::uint64_t memory(Hall& hall) {
  std::uint64_t size_bytes = 0;
  hall.guests[0]->connection().ask(protocol::StatusAsk{}, [&](const Result<protocol::ServerMessage>& reply) {
    if (reply) size_bytes = std::get<protocol::Status>(*reply).memory;
  });
  hall.loop.run_until([&] { return size_bytes != 0; }, kPatience);
  return size_bytes;
}

void idle(Hall& hall, int sessions) {
  hall.fill(100, false);  // What the first ones cost once is not theirs.
  const std::uint64_t before = memory(hall);
  hall.fill(100 + sessions, false);
  hall.loop.run_until([] { return false; }, 3s);
  const std::uint64_t after = memory(hall);
  std::printf("idle %d %llu bytes per session\n", sessions,
              static_cast<unsigned long long>((after - std::min(before, after)) /
                                              static_cast<std::uint64_t>(sessions)));
}

}  // namespace

int main(int count, char** words) {
  if (count < 5) fail("usage: bench_board PORT PROJECT writes|fanout|idle COUNT [SECONDS|ROUNDS]");
  Hall hall(static_cast<std::uint16_t>(std::atoi(words[1])), words[2]);
  const std::string mode = words[3];
  const int number = std::atoi(words[4]);
  const int length = count > 5 ? std::atoi(words[5]) : 5;
  if (mode == "writes") {
    writes(hall, number, length);
  } else if (mode == "fanout") {
    fanout(hall, number, length);
  } else if (mode == "idle") {
    idle(hall, number);
  } else {
    fail("expected writes, fanout or idle, got " + mode);
  }
  std::fflush(stdout);
  std::_Exit(0);  // The sessions need no goodbye.
}
