#include "tools/cli/page_place.h"

#include <catch2/catch.hpp>

namespace callboard::cli::page_place_test {

using Way = PagePlace::Way;

TEST_CASE("pages lead on, downward from the newest or upward") {
  PagePlace down("history of the story", Way::down);
  CHECK(down.at() == 0);
  REQUIRE(down.move_to(40));
  REQUIRE(down.move_to(39));
  CHECK(down.at() == 39);
  PagePlace up("audit", Way::up, 7);
  REQUIRE(up.move_to(8));
  CHECK(up.at() == 8);
}

TEST_CASE("a page that leads nowhere is an error that says what was told, and from where") {
  PagePlace down("history of the story", Way::down);
  CHECK_FALSE(down.move_to(0));
  REQUIRE(down.move_to(40));
  for (const std::uint64_t next : {std::uint64_t{0}, std::uint64_t{40}, std::uint64_t{41}}) {
    const auto moved = down.move_to(next);
    REQUIRE_FALSE(moved);
    CHECK(moved.error().outcome == Outcome::failed);
    CHECK(moved.error().text ==
          "history of the story: the server goes round in circles: expected to go on below 40, got " +
              std::to_string(next));
  }
  CHECK(down.at() == 40);
  PagePlace up("audit", Way::up, 7);
  CHECK_FALSE(up.move_to(7));
  CHECK_FALSE(up.move_to(6));
}

}  // namespace callboard::cli::page_place_test
