// From whom the newest copy is pulled.
#include <catch2/catch.hpp>

#include "base/clock.h"
#include "tests/unit/server/studio.h"

namespace callboard::server::newest_copy_test {
namespace {

protocol::GetAsk newest() {
  protocol::GetAsk ask;
  ask.newest = true;
  ask.item = "/dev/chr/Moria";
  return ask;
}

}  // namespace

TEST_CASE("the newest copy of an enclosing item is pulled, of those who share") {
  Studio studio;
  auto taker = studio.join("rigging");
  auto older = studio.join("lighting");
  auto newest_but_silent = studio.join("render", false);
  protocol::AssetsChange copies;
  copies.items["/dev/chr"] = Timestamp{1000};
  older->ask_for<protocol::Ok>(copies);
  copies.items["/dev/chr"] = Timestamp{9990};
  newest_but_silent->ask_for<protocol::Ok>(copies);
  CHECK(taker->ask_for<protocol::TransferGranted>(newest()).user == "lighting");
  copies.items["/dev/chr"] = Timestamp{9995};
  taker->ask_for<protocol::Ok>(copies);
  CHECK(taker->ask_for<protocol::ErrorAnswer>(newest()).outcome == Outcome::superseded);
}

TEST_CASE(
    "a copy that its user has not told of is the newest for that user alone, unless it is from the future") {
  Studio studio;
  auto taker = studio.join("rigging");
  auto giver = studio.join("lighting");
  constexpr Timestamp told{9000};
  protocol::AssetsChange copies;
  copies.items["/dev/chr"] = told;
  giver->ask_for<protocol::Ok>(copies);
  const auto having = [](Timestamp have) {
    protocol::GetAsk ask = newest();
    ask.have = have;
    return ask;
  };
  CHECK(taker->ask_for<protocol::TransferGranted>(having(told)).user == "lighting");
  const auto refused = taker->ask_for<protocol::ErrorAnswer>(having(Timestamp{told.ms + 1}));
  CHECK(refused.outcome == Outcome::superseded);
  CHECK(refused.text == "the newest copy of \"/dev/chr\" is your own");
  CHECK(taker->ask_for<protocol::TransferGranted>(having(Timestamp{system_clock().wall().ms + 3'600'000}))
            .user == "lighting");
}

}  // namespace callboard::server::newest_copy_test
