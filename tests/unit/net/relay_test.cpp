#include "net/relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "net/relay_pump.h"
#include "net/socket_posix.h"
#include "tests/unit/net/net_support.h"

namespace callboard::net::relay_test {
namespace {

// A relay and the outer ends of its pairs. Every test runs with splice and epoll, and with what is portable.
struct Stage {
  Loop loop;
  std::multimap<std::uint64_t, RelayEnd> ends;
  std::unique_ptr<Relay> relay;
  std::map<std::uint64_t, Fd> giver;
  std::map<std::uint64_t, Fd> taker;

  explicit Stage(Relay::Options options) {
    relay =
        std::make_unique<Relay>(loop, options, [this](const RelayEnd& end) { ends.emplace(end.id, end); });
  }

  void add(std::uint64_t id, int buffer_bytes = 0, Bytes first_to_giver = {}, Bytes first_to_taker = {}) {
    auto [outer_giver, inner_giver] = socket_pair();
    auto [outer_taker, inner_taker] = socket_pair();
    if (buffer_bytes != 0) {
      for (const Fd* fd : {&outer_giver, &inner_giver, &outer_taker, &inner_taker}) {
        set_buffer_sizes(fd->get(), buffer_bytes);
      }
    }
    giver[id] = std::move(outer_giver);
    taker[id] = std::move(outer_taker);
    relay->add({id, std::move(inner_giver), std::move(inner_taker), std::move(first_to_giver),
                std::move(first_to_taker)});
  }

  const RelayEnd& end_of(std::uint64_t id) {
    REQUIRE(loop.run_until([&] { return ends.count(id) > 0; }, kTestLimit));
    loop.run_until([] { return true; }, 0s);
    REQUIRE(ends.count(id) == 1);
    return ends.find(id)->second;
  }
};

Relay::Options options_of_this_run() {
  Relay::Options options;
  options.portable = GENERATE(false, true);
  return options;
}

void send_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

Bytes receive_all(int fd) {
  Bytes all;
  Bytes buffer(64 * KiB);
  for (;;) {
    const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      return all;
    }
    all.insert(all.end(), buffer.begin(), buffer.begin() + got);
  }
}

// Sends in random portions, giving the processor away now and then, and closes its writing.
void send_unevenly(int fd, const Bytes& bytes, std::uint32_t seed) {
  std::mt19937 random(seed);
  for (ByteView rest(bytes); !rest.empty();) {
    const std::size_t largest = random() % 4 == 0 ? 300'000 : 2'000;
    const auto size = std::min<std::size_t>(rest.size(), 1 + random() % largest);
    send_all(fd, rest.first(size));
    rest = rest.subspan(size);
    for (unsigned pauses = random() % 4; pauses > 0; --pauses) {
      std::this_thread::yield();
    }
  }
  ::shutdown(fd, SHUT_WR);
}

}  // namespace

TEST_CASE("bytes of random sizes and pauses arrive unchanged both ways at once") {
  Stage stage(options_of_this_run());
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  const Bytes to_taker = pattern(5'000'011, 1);
  const Bytes to_giver = pattern(3'000'017, 2);
  stage.add(1);
  const int giver = stage.giver[1].get();
  const int taker = stage.taker[1].get();
  Bytes got_by_taker;
  Bytes got_by_giver;
  std::vector<std::thread> threads;
  threads.emplace_back([&] { send_unevenly(giver, to_taker, seed); });
  threads.emplace_back([&] { send_unevenly(taker, to_giver, seed + 1); });
  threads.emplace_back([&] { got_by_taker = receive_all(taker); });
  threads.emplace_back([&] { got_by_giver = receive_all(giver); });
  const RelayEnd end = stage.end_of(1);
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(got_by_taker == to_taker);
  CHECK(got_by_giver == to_giver);
  CHECK(end.why.outcome == Outcome::done);
  CHECK(end.moved.to_taker_bytes == to_taker.size());
  CHECK(end.moved.to_giver_bytes == to_giver.size());
  CHECK_FALSE(stage.relay->progress(1));
  CHECK(stage.relay->size() == 0);
}

TEST_CASE("the first bytes go out before the relayed ones, however large they are") {
  Stage stage(options_of_this_run());
  const Bytes first_to_taker = pattern(700'000, 5);
  stage.add(1, 0, pattern(10, 4), first_to_taker);
  send_all(stage.giver[1].get(), pattern(20, 6));
  ::shutdown(stage.giver[1].get(), SHUT_WR);
  Bytes expected = first_to_taker;
  const Bytes relayed = pattern(20, 6);
  expected.insert(expected.end(), relayed.begin(), relayed.end());
  CHECK(receive_all(stage.taker[1].get()) == expected);
  ::shutdown(stage.taker[1].get(), SHUT_WR);
  CHECK(receive_all(stage.giver[1].get()) == pattern(10, 4));
  CHECK(stage.end_of(1).why.outcome == Outcome::done);
}

TEST_CASE("a side that closes its writing still hears the other") {
  Stage stage(options_of_this_run());
  stage.add(1);
  send_all(stage.taker[1].get(), pattern(100));
  ::shutdown(stage.taker[1].get(), SHUT_WR);
  CHECK(receive_all(stage.giver[1].get()) == pattern(100));
  CHECK(stage.ends.empty());
  send_all(stage.giver[1].get(), pattern(100'000, 2));
  ::shutdown(stage.giver[1].get(), SHUT_WR);
  CHECK(receive_all(stage.taker[1].get()) == pattern(100'000, 2));
  CHECK(stage.end_of(1).moved.to_taker_bytes == 100'000);
}

TEST_CASE("a reset on either side ends the pair as interrupted, and the other side is closed") {
  const bool is_giver = GENERATE(true, false);
  Stage stage(options_of_this_run());
  stage.add(1);
  Fd& breaking = is_giver ? stage.giver[1] : stage.taker[1];
  Fd& other = is_giver ? stage.taker[1] : stage.giver[1];
  send_all(breaking.get(), pattern(10));
  Bytes ten(10);
  REQUIRE(::recv(other.get(), ten.data(), ten.size(), MSG_WAITALL) == 10);
  reset_on_close(breaking.get());
  breaking.reset();
  CHECK(stage.end_of(1).why.outcome == Outcome::interrupted);
  CHECK(receive_all(other.get()).empty());
}

TEST_CASE("a reset is noticed while the other side reads nothing") {
  Stage stage(options_of_this_run());
  stage.add(1, 16 * 1024);
  set_nonblocking(stage.giver[1].get(), true);
  const Bytes chunk(64 * KiB);
  // Until the way is full: nothing more is taken for a while.
  pollfd waited{stage.giver[1].get(), POLLOUT, 0};
  while (::poll(&waited, 1, 50) > 0) {
    static_cast<void>(::send(stage.giver[1].get(), chunk.data(), chunk.size(), MSG_NOSIGNAL));
  }
  reset_on_close(stage.taker[1].get());
  stage.taker[1].reset();
  CHECK(stage.end_of(1).why.outcome == Outcome::interrupted);
}

TEST_CASE("cancelling ends a pair once with the reason given, and cancelling the unknown does nothing") {
  Stage stage(options_of_this_run());
  stage.add(1);
  stage.relay->cancel(7, {Outcome::cancelled, "no such pair"});
  stage.relay->cancel(1, {Outcome::cancelled, "the taker left"});
  stage.relay->cancel(1, {Outcome::failed, "again"});
  const RelayEnd& end = stage.end_of(1);
  CHECK(end.why.outcome == Outcome::cancelled);
  CHECK(end.why.text == "the taker left");
  CHECK(receive_all(stage.giver[1].get()).empty());
  CHECK(receive_all(stage.taker[1].get()).empty());
  // The id is free again.
  stage.ends.clear();
  stage.add(1);
  stage.relay->cancel(1, {Outcome::cancelled, "second"});
  CHECK(stage.end_of(1).why.text == "second");
}

TEST_CASE("a taker that reads nothing stops the giver: the relay holds one pipe at most") {
  Stage stage(options_of_this_run());
  constexpr std::uint64_t kSocketBuffer = 32 * KiB;
  stage.add(1, static_cast<int>(kSocketBuffer));
  set_nonblocking(stage.giver[1].get(), true);
  const Bytes chunk(64 * KiB);
  std::uint64_t taken = 0;
  pollfd waited{stage.giver[1].get(), POLLOUT, 0};
  while (taken<64 * MiB&& ::poll(&waited, 1, 100)> 0) {
    const auto sent = ::send(stage.giver[1].get(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
    taken += sent > 0 ? static_cast<std::uint64_t>(sent) : 0;
  }
  // Four socket buffers, which the kernel doubles, and the pipe.
  CHECK(taken < Relay::kRelayPipe + 16 * kSocketBuffer);
  const auto progress = stage.relay->progress(1);
  REQUIRE(progress);
  CHECK(progress->to_taker_bytes < 4 * 2 * kSocketBuffer);
  ::shutdown(stage.giver[1].get(), SHUT_WR);
  CHECK(receive_all(stage.taker[1].get()).size() == taken);
}

TEST_CASE("a pair in which nothing moves ends at the idle limit, and one that has none stays") {
  auto options = options_of_this_run();
  options.idle_limit = 20ms;
  Stage limited(options);
  limited.add(1);
  CHECK(limited.end_of(1).why.outcome == Outcome::timed_out);

  options.idle_limit.reset();
  options.half_closed_limit = 20ms;
  Stage stage(options);
  stage.add(1);
  stage.add(2);
  ::shutdown(stage.giver[1].get(), SHUT_WR);
  CHECK(stage.end_of(1).why.outcome == Outcome::timed_out);
  CHECK(stage.ends.count(2) == 0);
  CHECK(stage.relay->progress(2));
}

TEST_CASE("two hundred pairs move at the same time") {
  Stage stage(options_of_this_run());
  constexpr std::uint64_t kPairs = 200;
  constexpr std::size_t kSize = 150'000;
  const Bytes sent = pattern(kSize);
  const int before = open_descriptors();
  for (std::uint64_t id = 1; id <= kPairs; ++id) {
    stage.add(id, 0, {}, {});
    ::shutdown(stage.taker[id].get(), SHUT_WR);
  }
  std::thread giver([&] {
    for (std::uint64_t id = 1; id <= kPairs; ++id) {
      send_all(stage.giver.at(id).get(), sent);
      ::shutdown(stage.giver.at(id).get(), SHUT_WR);
    }
  });
  std::uint64_t equal = 0;
  for (std::uint64_t id = kPairs; id >= 1; --id) {
    equal += receive_all(stage.taker.at(id).get()) == sent ? 1U : 0U;
  }
  giver.join();
  CHECK(equal == kPairs);
  REQUIRE(stage.loop.run_until([&] { return stage.ends.size() == kPairs; }, kTestLimit));
  for (const auto& [id, end] : stage.ends) {
    CHECK(end.why.outcome == Outcome::done);
    CHECK(end.moved.to_taker_bytes == kSize);
  }
  stage.giver.clear();
  stage.taker.clear();
  CHECK(open_descriptors() == before);
}

TEST_CASE("destroying the relay closes its sockets and tells nothing more") {
  const int before = open_descriptors();
  {
    Stage stage(options_of_this_run());
    stage.add(1);
    stage.add(2);
    stage.relay->cancel(2, {Outcome::cancelled, "too late to be told"});
    stage.relay.reset();
    CHECK(receive_all(stage.giver[1].get()).empty());
    CHECK(receive_all(stage.taker[2].get()).empty());
    stage.loop.run();  // Nothing holds it any more.
    CHECK(stage.ends.empty());
  }
  CHECK(open_descriptors() <= before + 1);
}

TEST_CASE("a small budget changes nothing but the order") {
  auto options = options_of_this_run();
  options.budget_bytes = 1000;
  Stage stage(options);
  stage.add(1);
  const Bytes sent = pattern(1'000'003);
  std::thread giver([&] {
    send_all(stage.giver.at(1).get(), sent);
    ::shutdown(stage.giver.at(1).get(), SHUT_WR);
  });
  CHECK(receive_all(stage.taker.at(1).get()) == sent);
  giver.join();
}

// What was moved is compared with what may have been, by the relay's own clock: a slow machine moves less, never more.
TEST_CASE("limits hold for what is relayed, and a changed one for what runs already") {
  Stage stage(options_of_this_run());
  constexpr std::uint64_t kRate = 4 * MiB;
  const Bytes sent = pattern(1 * MiB);
  const Instant begin = system_clock().monotonic();
  stage.relay->set_limits({.total = kRate, .per_pair = kRate / 2});
  std::vector<std::thread> threads;
  for (std::uint64_t id = 1; id <= 2; ++id) {
    stage.add(id);
    threads.emplace_back([&stage, &sent, id] {
      send_all(stage.giver.at(id).get(), sent);
      ::shutdown(stage.giver.at(id).get(), SHUT_WR);
    });
  }
  Bytes half(512 * KiB);
  for (std::uint64_t id = 1; id <= 2; ++id) {
    const int taker = stage.taker.at(id).get();
    REQUIRE(::recv(taker, half.data(), half.size(), MSG_WAITALL) == static_cast<ssize_t>(half.size()));
    ::shutdown(taker, SHUT_WR);
  }
  const Duration took = system_clock().monotonic() - begin;
  const double allowed = std::chrono::duration<double>(took + RelayShares::kBurst).count() * kRate / 2;
  CHECK(static_cast<double>(half.size()) <= allowed + 2.0 * RelayShares::kTurnMin);
  CHECK(stage.ends.empty());
  // At the first of these the rest would take twelve days.
  stage.relay->set_limits({.total = 1});
  stage.relay->set_limits({});
  for (std::uint64_t id = 1; id <= 2; ++id) {
    CHECK(receive_all(stage.taker.at(id).get()).size() == sent.size() - half.size());
    CHECK(stage.end_of(id).why.outcome == Outcome::done);
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("a pair that waits for its share is not idle") {
  auto options = options_of_this_run();
  options.idle_limit = 20ms;
  Stage stage(options);
  stage.relay->set_limits({.total = 64 * KiB});
  stage.add(1);
  const Bytes sent = pattern(10 * KiB);  // 100 ms at that rate, beyond what comes at once.
  send_all(stage.giver.at(1).get(), sent);
  ::shutdown(stage.giver.at(1).get(), SHUT_WR);
  ::shutdown(stage.taker.at(1).get(), SHUT_WR);
  CHECK(receive_all(stage.taker.at(1).get()) == sent);
}

TEST_CASE("both kinds of pump say what they wait for") {
  const bool is_splicing = GENERATE(true, false);
  const auto pump = is_splicing ? make_splicing_pump(64 * KiB) : make_copying_pump();
  REQUIRE(pump);
  auto [giver, from] = socket_pair(true);
  auto [taker, to] = socket_pair(true);
  using Wait = RelayPump::Wait;
  CHECK(pump->pump(from.get(), to.get(), 1000).wait == Wait::input);
  send_all(giver.get(), pattern(1500));
  pollfd waited{from.get(), POLLIN, 0};
  REQUIRE(::poll(&waited, 1, 5000) == 1);
  auto step = pump->pump(from.get(), to.get(), 1000);
  CHECK(step.wait == Wait::turn);
  CHECK(step.moved_bytes == 1000);
  step = pump->pump(from.get(), to.get(), 1000);
  CHECK(step.wait == Wait::input);
  CHECK(step.moved_bytes == 500);
  ::shutdown(giver.get(), SHUT_WR);
  REQUIRE(::poll(&waited, 1, 5000) == 1);
  CHECK(pump->pump(from.get(), to.get(), 1000).wait == Wait::nothing);
  Bytes got(1500);
  REQUIRE(::recv(taker.get(), got.data(), got.size(), MSG_WAITALL) > 0);
  CHECK(got == pattern(1500));
}

}  // namespace callboard::net::relay_test
