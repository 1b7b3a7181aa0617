// Who is there and says nothing.
#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

#include "tests/unit/server/studio.h"

namespace callboard::server::silence_test {
namespace {

ServerOptions impatient() {
  ServerOptions options;
  options.heartbeat = 50ms;
  options.silence = 200ms;
  return options;
}

}  // namespace

TEST_CASE("a session that says nothing gets a heartbeat, and is closed when it does not answer") {
  Studio studio(impatient());
  auto quiet = studio.join("rigging");
  quiet->expect<protocol::Yours>();
  const auto bye = quiet->expect<protocol::Bye>();
  CHECK(bye.outcome == Outcome::timed_out);
}

TEST_CASE("a session that says nothing is closed though it is told something all the time") {
  Studio studio(impatient());
  auto quiet = studio.join("rigging");
  auto talker = studio.join("lighting");
  for (std::uint64_t i = 0; i < 400 && !quiet->is_ended(); ++i) {
    talker->ask_for<protocol::Ok>(protocol::AtAsk{.id = 0, .item = "/rnd/" + std::to_string(i)});
    studio.loop.run_until([&] { return quiet->is_ended(); }, 5ms);
  }
  REQUIRE(quiet->is_ended());
  quiet->expect<protocol::Yours>();
  CHECK(quiet->expect<protocol::Bye>().outcome == Outcome::timed_out);
}

}  // namespace callboard::server::silence_test
