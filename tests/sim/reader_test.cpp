// Clients that speak and do not read, or read a little now and then; in virtual time.
#include <catch2/catch.hpp>

#include "tests/sim/hall.h"

namespace callboard::sim::reader_test {
namespace {

// Somebody who stops reading, and the kernels hold little when there is a story of that size to be told.
struct Reading : Hall {
  Caller* watcher = nullptr;
  Caller* reader = nullptr;

  explicit Reading(std::size_t story_bytes) {
    world.weather.window_bytes = 4 * KiB;
    watcher = &join("rigging");
    reader = &join("lighting");
    reader->pause_reading();
    protocol::DocumentWrite story;
    story.id = 1;
    story.timestamp = {1};
    story.op = UniqueId{1, 1};
    story.document = std::make_shared<const std::string>("\"" + std::string(story_bytes, 'x') + "\"");
    watcher->ask(story);
  }
};

}  // namespace

TEST_CASE("who speaks on and reads nothing is closed with that reason, which the others are told once") {
  // Of less than kUnsentBeforeHolding the server hears what it says all the while.
  Reading hall(100 * KiB);
  for (Duration waited{}; waited < kSilenceLimit - 5s; waited += 1s) {
    hall.pass(1s);
    hall.reader->ask_for_turn();
  }
  CHECK(hall.watcher->left.empty());
  for (int second = 0; second < 20; ++second) {
    hall.pass(1s);
    hall.reader->ask_for_turn();
  }
  REQUIRE(hall.watcher->left.size() == 1);
  CHECK(hall.watcher->left[0].starts_with("the client read none of "));
  CHECK(hall.watcher->left[0].ends_with(" bytes for 45 s"));
  CHECK(hall.closed() == hall.watcher->left);
  hall.pass(60s);
  CHECK(hall.watcher->left.size() == 1);
}

TEST_CASE("who reads a little now and then stays") {
  Reading hall(MiB);
  for (int times = 0; times < 10; ++times) {
    hall.pass(30s);
    hall.reader->resume_reading();
    hall.pass(1ms);
    hall.reader->pause_reading();
  }
  CHECK(hall.watcher->left == std::vector<std::string>{});
  CHECK_FALSE(hall.reader->is_ended);
  hall.reader->resume_reading();
  hall.pass(3 * kSilenceLimit);
  CHECK(hall.closed().empty());
}

}  // namespace callboard::sim::reader_test
