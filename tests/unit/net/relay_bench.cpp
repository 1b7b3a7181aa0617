// Not a test: `unit_net [bench]` prints what the relay moves and what that costs.

#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <thread>

#include "net/relay.h"
#include "tests/unit/net/net_support.h"

namespace callboard::net::relay_bench {
namespace {

double cpu_seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct Cost {
  double seconds = 0;
  double endpoints_cpu_seconds = 0;
  double process_cpu_seconds = 0;
};

// One thread sends, one receives; nothing else is done with the bytes.
Cost move(int from, int to, std::uint64_t size_bytes) {
  Cost cost;
  const Bytes chunk(256 * KiB);
  double sender_cpu = 0;
  double receiver_cpu = 0;
  const Instant begin = system_clock().monotonic();
  const double process_begin = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  std::thread sender([&] {
    for (std::uint64_t sent = 0; sent < size_bytes;) {
      const auto n = ::send(from, chunk.data(), chunk.size(), MSG_NOSIGNAL);
      sent += n > 0 ? static_cast<std::uint64_t>(n) : size_bytes;
    }
    ::shutdown(from, SHUT_WR);
    sender_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  });
  std::thread receiver([&] {
    Bytes buffer(256 * KiB);
    while (::recv(to, buffer.data(), buffer.size(), 0) > 0) {
    }
    receiver_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  });
  sender.join();
  receiver.join();
  cost.seconds = std::chrono::duration<double>(system_clock().monotonic() - begin).count();
  cost.endpoints_cpu_seconds = sender_cpu + receiver_cpu;
  cost.process_cpu_seconds = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - process_begin;
  return cost;
}

void print(const char* what, std::uint64_t budget_bytes, const Cost& cost, std::uint64_t size_bytes) {
  const double gb = static_cast<double>(size_bytes) / 1e9;
  std::printf("%-12s budget %5llu KiB  %5.2f GB/s  relay %.2f CPU s/GB  all %.2f CPU s/GB\n", what,
              static_cast<unsigned long long>(budget_bytes / KiB), gb / cost.seconds,
              (cost.process_cpu_seconds - cost.endpoints_cpu_seconds) / gb, cost.process_cpu_seconds / gb);
}

}  // namespace

TEST_CASE("two GiB through the relay", "[.][bench]") {
  constexpr std::uint64_t kSize = 2 * GiB;
  {
    auto [from, to] = socket_pair();
    print("no relay", 0, move(from.get(), to.get(), kSize), kSize);
  }
  for (const bool portable : {false, true}) {
    for (const std::uint64_t budget : {64 * KiB, 256 * KiB, 1 * MiB, 4 * MiB}) {
      Loop loop;
      Relay::Options options;
      options.budget_bytes = budget;
      options.portable = portable;
      Relay relay(loop, options, [](const RelayEnd&) {});
      auto [from, inner_from] = socket_pair();
      auto [to, inner_to] = socket_pair();
      relay.add({1, std::move(inner_from), std::move(inner_to), {}, {}});
      print(portable ? "read/write" : "splice", budget, move(from.get(), to.get(), kSize), kSize);
    }
  }
}

}  // namespace callboard::net::relay_bench
