#include "net/work_queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>

#include "tests/unit/net/net_support.h"

namespace callboard::net::work_queue_test {

TEST_CASE("work that finds no memory has failed, and the worker goes on") {
  Loop loop;
  WorkQueue queue(loop, 1);
  std::string failure;
  int made = 0;
  queue.submit([](const std::stop_token&) -> Result<int> { throw std::bad_alloc(); },
               [&](const Result<int>& result) { failure = result.error().text; });
  queue.submit([](const std::stop_token&) -> Result<int> { return 7; },
               [&](const Result<int>& result) { made = *result; });
  loop.run();
  CHECK(failure == "there is not enough memory for it");
  CHECK(made == 7);
}

TEST_CASE("a job runs on a worker and its result arrives on the loop") {
  Loop loop;
  WorkQueue queue(loop, 2);
  std::thread::id worker;
  std::thread::id deliverer;
  int sum = 0;
  for (int i = 1; i <= 100; ++i) {
    queue.submit(
        [i, &worker](const std::stop_token&) {
          if (i == 1) {
            worker = std::this_thread::get_id();
          }
          return i;
        },
        [&](int result) {
          deliverer = std::this_thread::get_id();
          sum += result;
        });
  }
  CHECK(queue.pending() == 100);
  loop.run();  // Returns when everything is delivered.
  CHECK(sum == 5050);
  CHECK(queue.pending() == 0);
  CHECK(deliverer == std::this_thread::get_id());
  CHECK(worker != std::this_thread::get_id());
}

TEST_CASE("one worker takes the jobs in their order") {
  Loop loop;
  WorkQueue queue(loop, 1);
  std::string order;
  for (const char c : {'a', 'b', 'c'}) {
    queue.submit([c](const std::stop_token&) { return c; }, [&](char result) { order += result; });
  }
  loop.run();
  CHECK(order == "abc");
}

TEST_CASE("destroying the queue stops the running job, drops the rest and delivers nothing") {
  Loop loop;
  std::atomic<int> begun{0};
  int delivered = 0;
  {
    WorkQueue queue(loop, 1);
    for (int i = 0; i < 3; ++i) {
      queue.submit([&](const std::stop_token& stop) {
        ++begun;
        loop.post([] {});
        std::mutex lock;
        std::condition_variable_any never;
        std::unique_lock held(lock);
        never.wait(held, stop, [] { return false; });
        return WorkQueue::Delivery([&] { ++delivered; });
      });
    }
    REQUIRE(loop.run_until([&] { return begun == 1; }, kTestLimit));
  }
  loop.run();
  CHECK(begun == 1);
  CHECK(delivered == 0);
}

TEST_CASE("a queue may be destroyed by a delivery while others are on their way") {
  Loop loop;
  auto queue = std::make_unique<WorkQueue>(loop, 2);
  int delivered = 0;
  for (int i = 0; i < 50; ++i) {
    queue->submit([](const std::stop_token&) { return 0; },
                  [&](int) {
                    ++delivered;
                    queue.reset();
                  });
  }
  loop.run();
  CHECK(delivered == 1);
}

}  // namespace callboard::net::work_queue_test
