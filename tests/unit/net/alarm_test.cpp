#include "net/alarm.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <thread>

namespace callboard::net::alarm_test {
namespace {

constexpr std::chrono::seconds kPatience(20);

}  // namespace

TEST_CASE("an alarm that another thread raises, however often, is heard on the loop") {
  Loop loop;
  int heard = 0;
  bool was_on_loop = false;
  Alarm alarm(loop, [&] {
    ++heard;
    was_on_loop = loop.is_loop_thread();
  });
  std::thread([&] {
    for (int i = 0; i < 100; ++i) alarm.raise();
  }).join();
  loop.hold();
  REQUIRE(loop.run_until([&] { return heard > 0; }, kPatience));
  CHECK(heard == 1);
  CHECK(was_on_loop);
  alarm.raise();
  REQUIRE(loop.run_until([&] { return heard > 1; }, kPatience));
  loop.release();
}

TEST_CASE("an alarm keeps no loop running, and may go in its own call") {
  Loop loop;
  auto alarm = std::make_unique<Alarm>(loop, [] {});
  loop.run();
  int heard = 0;
  alarm = std::make_unique<Alarm>(loop, [&] {
    ++heard;
    alarm.reset();
  });
  alarm->raise();
  loop.hold();
  REQUIRE(loop.run_until([&] { return heard == 1; }, kPatience));
  loop.release();
  CHECK_FALSE(alarm);
}

}  // namespace callboard::net::alarm_test
