#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <string>

#include "tests/sim/link.h"

namespace callboard::protocol::session_pair_test {
using namespace sim;

namespace {

// One seed for each run; CALLBOARD_SEED replays that one alone.
std::vector<std::uint64_t> seeds(std::uint64_t count) {
  if (const char* given = std::getenv("CALLBOARD_SEED")) return {std::strtoull(given, nullptr, 10)};
  std::vector<std::uint64_t> all;
  for (std::uint64_t seed = 1; seed <= count; ++seed) all.push_back(seed);
  return all;
}

LinkConfig random_config(std::uint64_t seed) {
  Random random(seed * 7919);
  const Duration delays[] = {0ns, 1us, 20us};
  const Duration work[] = {0ns, 1ms, 50ms, 800ms};
  const std::size_t pieces[] = {1, 3, 40, 100'000};
  return {.seed = seed,
          .visit = random() % 4 == 0,
          .piece_max = pieces[random() % 4],
          .delay_max = delays[random() % 3],
          .work_max = work[random() % 4]};
}

ClientMessage random_ask(Random& random) {
  switch (random() % 5) {
    case 0:
      return UsersAsk{};
    case 1:
      return DocumentRead{};
    case 2:
      return DocumentWrite{
          DocumentRecord::analytics, 0, {1}, 0, {1, random()}, std::make_shared<const std::string>("[1]")};
    case 3:
      return AtAsk{0, "/pln"};
    default:
      return CameraAsk{0, 1, -1};
  }
}

struct Played {
  std::vector<AskId> asked;
  std::vector<std::string> told;
};

// Asks, tells and pauses (some of them longer than a heartbeat) in any order.
Played play(Link& link, Random& random) {
  Played played;
  for (int i = 0; i < 200; ++i) {
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
        played.asked.push_back(link.ask(random_ask(random)));
        break;
      case 3:
      case 4:
        played.told.push_back("/rnd/" + std::to_string(i));
        link.tell(played.told.back());
        break;
      case 5:
        link.run_until(link.now() + Duration(random() % 20'000'000'000));
        break;
      default:
        link.run_until(link.now() + Duration(random() % 200'000));
        break;
    }
  }
  return played;
}

void check_safety(const Observed& observed) {
  INFO(observed.reasons);
  CHECK(observed.violations == std::vector<std::string>{});
  for (const auto& [id, count] : observed.answers) CHECK((id > 0 && count == 1));
  CHECK(observed.server_joined <= 1);
  CHECK(observed.client_joined <= 1);
  CHECK(observed.server_closed <= 1);
  CHECK(observed.client_closed <= 1);
}

}  // namespace

TEST_CASE("two sides that ask and tell at random never both speak, and every ask and tell arrives") {
  for (const auto seed : seeds(150)) {
    INFO("replay with CALLBOARD_SEED=" << seed);
    Link link(random_config(seed));
    Random random(seed);
    const auto played = play(link, random);
    // Liveness: the slowest work is 0.8 s and the wire takes less than 1 s a turn; asks go out at most 256 at a time.
    link.run_until(link.now() + 10s);
    const auto& observed = link.observed();
    check_safety(observed);
    CHECK(observed.reasons == "");
    CHECK(observed.server_joined == 1);
    CHECK(observed.client_joined == 1);
    CHECK(observed.answers.size() == played.asked.size());
    for (const auto id : played.asked) {
      INFO("ask " << id);
      CHECK(observed.has_answer.count(id) == 1);
      CHECK(observed.has_answer.at(id));
    }
    CHECK(observed.asked == played.asked);
    CHECK(observed.told == played.told);
    CHECK(link.mailbox_is_empty());
    CHECK(link.client().unanswered() == 0);
    CHECK(link.server().unanswered() == 0);
  }
}

TEST_CASE("a connection that breaks at any moment ends both sides once and answers every ask once") {
  for (const auto seed : seeds(150)) {
    INFO("replay with CALLBOARD_SEED=" << seed);
    Link link(random_config(seed));
    Random random(seed);
    std::vector<AskId> asked;
    const auto steps = random() % 600;
    for (std::uint64_t i = 0; i < steps; ++i) {
      if (random() % 10 == 0) asked.push_back(link.ask(random_ask(random)));
      if (random() % 10 == 0) link.tell("/pln");
      link.step(link.now() + 1s);
    }
    link.break_connection();
    asked.push_back(link.ask(UsersAsk{}));
    link.run_until(link.now() + 2min);
    const auto& observed = link.observed();
    check_safety(observed);
    CHECK(observed.server_closed == 1);
    CHECK(observed.client_closed == 1);
    CHECK(observed.answers.size() == asked.size());
  }
}

TEST_CASE("either side may leave at any moment, and the other hears of it") {
  for (const auto seed : seeds(100)) {
    INFO("replay with CALLBOARD_SEED=" << seed);
    Link link(random_config(seed));
    Random random(seed);
    std::vector<AskId> asked;
    const auto steps = random() % 600;
    for (std::uint64_t i = 0; i < steps; ++i) {
      if (random() % 10 == 0) asked.push_back(link.ask(random_ask(random)));
      link.step(link.now() + 1s);
    }
    link.leave(seed % 2 == 0);
    link.run_until(link.now() + 2s);
    const auto& observed = link.observed();
    check_safety(observed);
    CHECK(observed.server_closed == 1);
    CHECK(observed.client_closed == 1);
    CHECK(observed.answers.size() == asked.size());
  }
}

TEST_CASE("an idle hour costs one empty turn each way every 18 s and no more") {
  Link link({.seed = 1, .visit = false, .piece_max = 1'000, .delay_max = 0ns, .work_max = 0ns});
  link.run_until(link.now() + 1h);
  check_safety(link.observed());
  CHECK_FALSE(link.server().is_over());
  CHECK(link.observed().beats == 1 + 199);  // The join's, and one in each of 200 times 18 s but the last.
}

TEST_CASE("a thousand asks at once are all answered, in turns of 256 at most") {
  Link link({.seed = 3, .visit = true, .piece_max = 500, .delay_max = 1us, .work_max = 10ms});
  for (int i = 0; i < 1000; ++i) link.ask(CameraAsk{});
  link.run_until(link.now() + 10s);
  check_safety(link.observed());
  CHECK(link.observed().reasons == "");
  CHECK(link.observed().answers.size() == 1000);
  CHECK(link.client().unanswered() == 0);
}

}  // namespace callboard::protocol::session_pair_test
