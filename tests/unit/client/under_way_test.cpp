#include "client/under_way.h"

#include <catch2/catch.hpp>

namespace callboard::client::under_way_test {
namespace {

TEST_CASE(
    "what is given is known until its end, what is taken is nobody's gift, and nothing is said at once") {
  net::Loop loop;
  int said = 0;
  UnderWay under_way(loop, [&](const protocol::WorkingAsk&) { ++said; });
  under_way.give(1, UnderWay::Giving::pull);
  under_way.give(2, UnderWay::Giving::look);
  under_way.take(3);
  CHECK(under_way.given() == 2);
  CHECK(under_way.end(1) == UnderWay::Giving::pull);
  CHECK_FALSE(under_way.end(1));
  CHECK_FALSE(under_way.end(3));
  CHECK(under_way.end(2) == UnderWay::Giving::look);
  under_way.give(4, UnderWay::Giving::pull);
  under_way.clear();
  CHECK(under_way.given() == 0);
  CHECK_FALSE(under_way.end(4));
  CHECK(said == 0);
}

}  // namespace
}  // namespace callboard::client::under_way_test
