// One pull of GIVER's folder into TAKER's, on this machine: giver and taker joined by a relay over loopback TCP, each in a
// process of its own as in real life. Prints one line: seconds, files, bytes, and each process's CPU time and peak memory.
//
//   bench_transfer GIVER_FOLDER TAKER_FOLDER [--sync]

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "client/giver.h"
#include "client/taker.h"
#include "net/data_socket.h"
#include "net/loop.h"
#include "net/relay.h"
#include "sync/index.h"
#include "sync/pull_records.h"
#include "sync/root.h"

namespace callboard {
namespace {

struct Link {
  Fd near;
  Fd far;
};

// A connection over loopback TCP, as workstations have.
Link make_link() {
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  ENSURE(::bind(listener.get(), any, size) == 0 && ::listen(listener.get(), 1) == 0);
  ENSURE(::getsockname(listener.get(), any, &size) == 0);
  Link link{Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), Fd()};
  ENSURE(::connect(link.near.get(), any, size) == 0);
  link.far = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ENSURE(link.far);
  return link;
}

struct Workstation {
  explicit Workstation(const std::string& folder)
      : root(*sync::Root::open(folder)),
        index(*sync::Index::open(root)),
        scanned(root, index, system_clock()),
        records(root, index) {}
  sync::Root root;
  sync::Index index;
  client::ScannedFolder scanned;
  sync::IndexRecords records;
  sync::FileOps ops;
};

int run_giver(Fd fd, const std::string& folder) {
  Workstation station(folder);
  net::DataSocket socket(std::move(fd));
  client::Giver giver({.socket = socket, .root = station.root, .folder = station.scanned});
  const client::GiveReport report = giver.run();
  if (report.outcome != Outcome::done)
    fmt::print(stderr, "giver: {}: {}\n", to_text(report.outcome), report.text);
  return report.outcome == Outcome::done ? 0 : 1;
}

int run_relay(Fd giver, Fd taker) {
  net::Loop loop;
  net::Relay relay(loop, {}, [](const net::RelayEnd&) {});
  relay.add({1, std::move(giver), std::move(taker), {}, {}});
  loop.run();
  return 0;
}

int run_taker(Fd fd, const std::string& folder, bool sync) {
  Workstation station(folder);
  net::DataSocket socket(std::move(fd));
  const client::TakerParts parts{socket,      station.root,   station.scanned, station.records,
                                 station.ops, system_clock(), "bench"};
  client::PullRequest request;
  request.items = {"/"};
  request.sync = sync;
  const auto start = std::chrono::steady_clock::now();
  client::Taker taker(parts, request);
  const client::PullReport report = taker.run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print("{:.3f} s  {} files  {} bytes  {} on the wire  {}{}{}\n", took.count(), report.files,
             report.bytes, report.wire_bytes, to_text(report.outcome), report.text.empty() ? "" : ": ",
             report.text);
  std::fflush(stdout);
  return report.outcome == Outcome::done ? 0 : 1;
}

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int wait_for(pid_t process, const char* name) {
  int status = 0;
  rusage usage{};
  ENSURE(::wait4(process, &status, 0, &usage) == process);
  fmt::print("  {:6} {:.2f} CPU s, {} MiB\n", name, cpu_seconds(usage), usage.ru_maxrss / 1024);
  return status;
}

template <class Run>
pid_t start(const Run& run) {
  const pid_t process = ::fork();
  ENSURE(process >= 0);
  if (process == 0) std::_Exit(run());
  return process;
}

}  // namespace
}  // namespace callboard

int main(int count, char** words) {
  using namespace callboard;
  if (count < 3) {
    std::fputs("usage: bench_transfer GIVER_FOLDER TAKER_FOLDER [--sync]\n", stderr);
    return 2;
  }
  const bool sync = count > 3 && std::strcmp(words[3], "--sync") == 0;
  Link giver = make_link();
  Link taker = make_link();
  const pid_t giving = start([&] {
    giver.far.reset();
    taker = {};
    return run_giver(std::move(giver.near), words[1]);
  });
  const pid_t relaying = start([&] {
    giver.near.reset();
    taker.near.reset();
    return run_relay(std::move(giver.far), std::move(taker.far));
  });
  const pid_t taking = start([&] {
    giver = {};
    taker.far.reset();
    return run_taker(std::move(taker.near), words[2], sync);
  });
  giver = {};
  taker = {};
  int failures = wait_for(taking, "taker");
  failures += wait_for(giving, "giver");
  failures += wait_for(relaying, "relay");
  return failures == 0 ? 0 : 1;
}
