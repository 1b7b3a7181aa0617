#include "client/taker_way.h"

#include <catch2/catch.hpp>
#include <string>

namespace callboard::client::taker_way_test {
namespace {

sync::RelativePath name(std::size_t number) {
  return sync::RelativePath::from_bytes("d" + std::to_string(number)).value();
}

TEST_CASE("a directory that is known may be said again when no more can be remembered, and no other") {
  TakerWay way(1000);
  std::size_t known = 0;
  while (way.add(name(known), {})) REQUIRE(++known < 1000);
  REQUIRE(known > 0);
  CHECK(way.add(name(known), {}).error().outcome == Outcome::refused);
  TakerWay::Passed staying;
  staying.stays = true;
  CHECK(way.add(name(0), staying));
  const auto never = [](const sync::RelativePath&, const TakerWay::Passed&) -> Result<bool> { return true; };
  CHECK_FALSE(way.open(name(0), never).value());
  way.forget(name(0));
  CHECK(way.add(name(known), {}));
}

}  // namespace
}  // namespace callboard::client::taker_way_test
