#include "net/loop.h"

#include <csignal>

#include <atomic>
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/signal.h"
#include "net/timer.h"
#include "tests/unit/net/net_support.h"

namespace callboard::net::loop_test {

TEST_CASE("run returns at once when nothing is there to happen") {
  Loop loop;
  loop.run();
  CHECK_FALSE(loop.is_loop_thread());
}

TEST_CASE("posted tasks run in order, on the loop thread and not inside post") {
  Loop loop;
  std::string order;
  loop.post([&] {
    order += "a";
    loop.post([&] { order += "c"; });
    order += loop.is_loop_thread() ? "!" : "?";
  });
  loop.post([&] { order += "b"; });
  CHECK(order.empty());
  loop.run();
  CHECK(order == "a!bc");
}

TEST_CASE("tasks posted by many threads while the loop ends are each run once or dropped with the loop") {
  std::atomic<int> run{0};
  std::atomic<int> alive{0};
  struct Counted {
    explicit Counted(std::atomic<int>& count) : count_(&count) { ++*count_; }
    Counted(const Counted& other) : count_(other.count_) { ++*count_; }
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*count_; }
    std::atomic<int>* count_;
  };
  {
    Loop loop;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 500; ++j) {
          loop.post([&run, counted = Counted(alive)] { ++run; });
        }
      });
    }
    REQUIRE(loop.run_until([&] { return run >= 100; }, kTestLimit));
    loop.stop();
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  CHECK(run >= 100);
  CHECK(run <= 2000);
  CHECK(alive == 0);
}

TEST_CASE("stop ends run from any thread, and before it too") {
  Loop loop;
  loop.hold();
  std::thread stopper([&] { loop.stop(); });
  loop.run();
  stopper.join();
  loop.stop();
  loop.run();
  loop.release();
  loop.run();
  SUCCEED("every run returned");
}

TEST_CASE("tasks for the end of a turn run once, after the turn's other work") {
  Loop loop;
  std::string order;
  loop.post([&] {
    loop.at_end_of_turn([&] {
      order += "e";
      loop.at_end_of_turn([&] { order += "f"; });
    });
    order += "1";
  });
  loop.post([&] { order += "2"; });
  loop.run();
  CHECK(order == "12ef");
}

TEST_CASE("a retired object lives until the turn is over") {
  Loop loop;
  struct Noted {
    explicit Noted(std::string& order) : order_(order) {}
    ~Noted() { order_ += "x"; }
    std::string& order_;
  };
  std::string order;
  loop.post([&] {
    loop.retire(std::make_unique<Noted>(order));
    loop.at_end_of_turn([&] { order += "e"; });
    order += "1";
  });
  loop.run();
  CHECK(order == "1ex");
}

TEST_CASE("a timer is due once, not before its time, and may be set again inside its callback") {
  Loop loop;
  int due = 0;
  std::optional<Timer> timer;
  const Instant begin = loop.now();
  timer.emplace(loop, [&] {
    if (++due < 3) {
      timer->set_after(2ms);
    }
  });
  timer->set_at(begin + 2ms);
  CHECK(timer->is_set());
  loop.run();
  CHECK(due == 3);
  CHECK(loop.now() - begin >= 6ms);
  CHECK_FALSE(timer->is_set());
}

TEST_CASE("what comes about by a timer that is due as a turn begins is not waited for any longer") {
  Loop loop;
  bool is_done = false;
  bool is_late = false;
  Timer done(loop, [&] { is_done = true; });
  Timer late(loop, [&] { is_late = true; });
  done.set_after(0ms);
  late.set_after(kTestLimit / 4);
  CHECK(loop.run_until([&] { return is_done; }, kTestLimit));
  CHECK_FALSE(is_late);
}

TEST_CASE("a cancelled timer is not due and does not keep the loop running") {
  Loop loop;
  int due = 0;
  Timer timer(loop, [&] { ++due; });
  timer.set_after(std::chrono::hours(1));
  timer.cancel();
  loop.run();
  timer.set_at(loop.now() - 1h);
  loop.run();
  CHECK(due == 1);
}

TEST_CASE("a timer may be destroyed inside its callback") {
  Loop loop;
  std::unique_ptr<Timer> timer;
  std::string seen;
  timer = std::make_unique<Timer>(loop, [&timer, &seen, text = std::string(100, 'x')] {
    timer.reset();
    seen = text;
  });
  timer->set_after(0ms);
  loop.run();
  CHECK(seen == std::string(100, 'x'));
}

TEST_CASE("a signal arrives on the loop and its usual effect is off") {
  Loop loop;
  int arrived = 0;
  auto signal = Signal::open(loop, SIGUSR1, [&] { ++arrived; });
  REQUIRE(signal);
  REQUIRE(::raise(SIGUSR1) == 0);
  CHECK(loop.run_until([&] { return arrived > 0; }, kTestLimit));
  CHECK(arrived == 1);
  loop.run();
}

TEST_CASE("a signal that cannot be watched is an error") {
  Loop loop;
  CHECK_FALSE(Signal::open(loop, SIGKILL, [] {}));
}

TEST_CASE("a loop closes clean with handles open, and they may be destroyed after it") {
  int called = 0;
  std::unique_ptr<Timer> timer;
  std::unique_ptr<Signal> signal;
  std::unique_ptr<TcpListener> listener;
  std::unique_ptr<TcpConnection> connecting;
  const int before = open_descriptors();
  {
    Loop loop;
    const auto count = [&] { ++called; };
    timer = std::make_unique<Timer>(loop, count);
    timer->set_after(1h);
    signal = std::move(*Signal::open(loop, SIGUSR2, count));
    listener = std::move(*TcpListener::listen(loop, {"127.0.0.1", 0}, {[&](auto) { ++called; }, {}}));
    connecting =
        TcpConnection::connect(loop, listener->local(), 1h,
                               {count, [&](ByteView) { ++called; }, count, [&](const Error&) { ++called; }});
    connecting->write(pattern(1000));
    loop.post(count);
    loop.at_end_of_turn(count);
  }
  connecting.reset();
  listener.reset();
  signal.reset();
  timer.reset();
  CHECK(called == 0);
  // libuv keeps the signal pipe of the process, made for the first Signal.
  CHECK(open_descriptors() <= before + 2);
}

}  // namespace callboard::net::loop_test
