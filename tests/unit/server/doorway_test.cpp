#include "server/doorway.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>
#include <vector>

namespace callboard::server::doorway_test {
namespace {

struct DoorwayRig {
  std::ostringstream log;
  EventLog events{
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log))};
  std::uint64_t resident = 0;
  int looks = 0;
  int times_given_back = 0;
  Instant now{};
  Doorway door;

  explicit DoorwayRig(Doorway::Limits limits)
      : door(limits, events,
             {[this] {
                ++looks;
                return resident;
              },
              [this] { ++times_given_back; }}) {}

  Result<Doorway::Place> come(const std::string& host) { return door.come({host, 4100}, now); }
  std::string why_not(const std::string& host) {
    const auto place = come(host);
    REQUIRE_FALSE(place);
    CHECK(place.error().outcome == Outcome::failed);
    return place.error().text;
  }
  auto logged_lines() const {
    const std::string text = log.str();
    return std::count(text.begin(), text.end(), '\n');
  }
};

}  // namespace

TEST_CASE("so many connections come in and no more, and as many again as have gone") {
  DoorwayRig rig({.connections = 3, .per_address = 3, .unadmitted = 3, .unadmitted_per_address = 3});
  std::vector<Doorway::Place> places;
  for (const auto* host : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) places.push_back(rig.come(host).value());
  for (auto& place : places) rig.door.admit(place);
  CHECK(rig.why_not("10.0.0.4") == "the server lets nobody in now: it has 3 connections, which is its limit");
  CHECK(rig.door.counts().connections == 3);
  rig.door.leave(places[0]);
  CHECK(rig.come("10.0.0.4"));
  CHECK_FALSE(rig.come("10.0.0.4"));
}

TEST_CASE("a door that is shut lets nobody in, and says why, until it is open again") {
  DoorwayRig rig({.connections = 3, .per_address = 3, .unadmitted = 3, .unadmitted_per_address = 3});
  rig.door.shut("it is closed for today");
  CHECK(rig.why_not("10.0.0.1") == "the server lets nobody in now: it is closed for today");
  CHECK(rig.door.counts().connections == 0);
  rig.door.shut("");
  CHECK(rig.come("10.0.0.1"));
}

TEST_CASE("one address has so many connections and no more, and others come in all the same") {
  DoorwayRig rig({.connections = 9, .per_address = 2, .unadmitted = 9, .unadmitted_per_address = 9});
  auto first = rig.come("::ffff:10.0.0.1").value();
  REQUIRE(rig.come("10.0.0.1"));
  CHECK(rig.why_not("10.0.0.1") ==
        "the server lets nobody in now: 10.0.0.1 has 2 connections, the limit for one address");
  CHECK(rig.come("10.0.0.2"));
  rig.door.leave(first);
  CHECK(rig.come("10.0.0.1"));
  CHECK_FALSE(rig.come("10.0.0.1"));
  // All addresses that one machine may take are one.
  REQUIRE(rig.come("2001:db8::1"));
  REQUIRE(rig.come("2001:db8::2"));
  CHECK_FALSE(rig.come("2001:db8::3"));
}

TEST_CASE("so many wait to be let in and no more, in all and of one address, and sessions do not count") {
  DoorwayRig rig({.connections = 9, .per_address = 9, .unadmitted = 3, .unadmitted_per_address = 2});
  auto first = rig.come("10.0.0.1").value();
  auto second = rig.come("10.0.0.1").value();
  CHECK(rig.why_not("10.0.0.1") ==
        "the server lets nobody in now: 10.0.0.1 has 2 connections that wait to be let in, the limit for one "
        "address");
  auto third = rig.come("10.0.0.2").value();
  CHECK(rig.why_not("10.0.0.3") ==
        "the server lets nobody in now: 3 connections wait to be let in, which is its limit");
  rig.door.admit(first);
  rig.door.admit(first);
  CHECK(rig.come("10.0.0.1"));
  CHECK_FALSE(rig.come("10.0.0.3"));
  rig.door.leave(first);
  CHECK_FALSE(rig.come("10.0.0.3"));
  rig.door.leave(second);
  rig.door.leave(second);
  CHECK(rig.come("10.0.0.3"));
  rig.door.leave(third);
  CHECK(rig.door.counts().connections == 2);
  CHECK(rig.door.counts().unadmitted == 2);
}

TEST_CASE("nobody comes in while there is more memory in use than may be, which is looked at now and then") {
  DoorwayRig rig({.memory_bytes = 1 * MiB});
  rig.resident = 1 * MiB;
  CHECK(rig.come("10.0.0.1"));
  rig.resident = 1 * MiB + 1;
  CHECK(rig.come("10.0.0.1"));
  CHECK(rig.looks == 1);
  rig.now += kMemoryLookPeriod;
  CHECK(rig.why_not("10.0.0.1") ==
        "the server lets nobody in now: it takes more than 1.00 MiB of memory, which is its limit");
  rig.resident = 0;
  CHECK_FALSE(rig.come("10.0.0.1"));
  rig.now += kMemoryLookPeriod;
  CHECK(rig.come("10.0.0.1"));
  CHECK(rig.looks == 3);
}

TEST_CASE("memory that keeps people out is given back as far as it is free, and who comes next is let in") {
  DoorwayRig rig({.memory_bytes = 1 * MiB});
  const auto passes = [&](Duration time) { rig.now += time; };
  CHECK(rig.come("10.0.0.1"));
  CHECK(rig.times_given_back == 0);
  passes(kMemoryLookPeriod);
  rig.resident = 2 * MiB;
  CHECK_FALSE(rig.come("10.0.0.2"));
  CHECK(rig.times_given_back == 1);
  // Those who come meanwhile cost no more of that.
  for (Duration waited{}; waited + kMemoryLookPeriod < kMemoryGivenBackPeriod; waited += kMemoryLookPeriod) {
    passes(kMemoryLookPeriod);
    CHECK_FALSE(rig.come("10.0.0.2"));
  }
  CHECK(rig.times_given_back == 1);
  passes(kMemoryLookPeriod);
  CHECK_FALSE(rig.come("10.0.0.2"));
  CHECK(rig.times_given_back == 2);
  rig.resident = 512 * KiB;
  passes(kMemoryLookPeriod);
  CHECK(rig.come("10.0.0.2"));
  CHECK(rig.times_given_back == 2);
  CHECK(rig.log.str().find("there is memory again, people are let in bytes=524288") != std::string::npos);
}

TEST_CASE("memory that stays in use is given back ever more seldom, until that has helped") {
  DoorwayRig rig({.memory_bytes = 1 * MiB});
  rig.resident = 2 * MiB;
  const auto given_back_within = [&](Duration time) {
    const int before = rig.times_given_back;
    for (Duration waited{}; waited < time; waited += kMemoryLookPeriod) {
      rig.now += kMemoryLookPeriod;
      if (auto place = rig.come("10.0.0.1")) rig.door.leave(*place);
    }
    return rig.times_given_back - before;
  };
  CHECK_FALSE(rig.come("10.0.0.1"));
  CHECK(rig.times_given_back == 1);
  // 10, 30, 70, 150, 310 s later, and every 160 s from then on.
  CHECK(given_back_within(310s) == 5);
  CHECK(given_back_within(159s) == 0);
  CHECK(given_back_within(161s) == 2);
  rig.resident = 0;
  CHECK(given_back_within(kMemoryGivenBackPeriod) == 0);
  rig.resident = 2 * MiB;
  CHECK(given_back_within(kMemoryLookPeriod) == 1);
  CHECK(given_back_within(10s) == 1);
}

TEST_CASE("that there is memory again is said now and then, however often it comes and goes") {
  DoorwayRig rig({.memory_bytes = 1 * MiB});
  const auto times_said = [&] {
    const std::string log = rig.log.str();
    const std::string_view words = "there is memory again";
    int times = 0;
    for (std::size_t at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) ++times;
    return times;
  };
  const auto come_and_go = [&] {
    for (const std::uint64_t resident : {2 * MiB, 0 * MiB}) {
      rig.resident = resident;
      rig.now += kMemoryLookPeriod;
      CHECK(rig.come("10.0.0.1").has_value() == (resident == 0));
    }
  };
  for (int i = 0; i < 10; ++i) come_and_go();
  CHECK(times_said() == 1);
  rig.now += kTurnedAwayLogPeriod;
  come_and_go();
  CHECK(times_said() == 2);
}

TEST_CASE("a flood of those who are turned away is one line now and then, with how many they were") {
  DoorwayRig rig({.connections = 0});
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(rig.come("10.0.0.1"));
  CHECK(rig.logged_lines() == 1);
  rig.now += kTurnedAwayLogPeriod;
  CHECK_FALSE(rig.come("10.0.0.1"));
  CHECK(rig.logged_lines() == 2);
  CHECK(rig.log.str().find("turned away peer=10.0.0.1:4100 count=1000 cause=") != std::string::npos);
}

}  // namespace callboard::server::doorway_test
