#include "server/memory_watch.h"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>
#include <new>
#include <string>
#include <vector>

namespace callboard::server::memory_watch_test {
namespace {

constexpr auto kLimit = 20s;

TEST_CASE(
    "a process that gets no more memory lets nobody in until it has its reserve again, and people then") {
  net::Loop loop;
  EventLog events(std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>()));
  std::vector<std::string> said;
  int ended = 0;
  MemoryWatch watch(loop, events,
                    {.shut = [&](const Error* why) { said.push_back(why == nullptr ? "" : why->text); },
                     .end_largest = [&] { ++ended; }});
  for (int time = 1; time <= 2; ++time) {
    // As an allocation that finds no memory does.
    std::get_new_handler()();
    REQUIRE(loop.run_until([&] { return said.size() == static_cast<std::size_t>(2 * time); }, kLimit));
    CHECK(said[said.size() - 2] == "it has no memory left");
    CHECK(said.back().empty());
  }
  CHECK(ended == 0);
}

}  // namespace
}  // namespace callboard::server::memory_watch_test
