#include "server/port_choice.h"

#include <catch2/catch.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace callboard::port_choice_test {
using namespace callboard::server;

namespace {

// The first ones that are tried.
std::vector<int> tried(const std::string& text, std::size_t count) {
  const PortChoice choice = PortChoice::from(text).value();
  std::vector<int> ports;
  for (auto port = choice.first(); port && ports.size() < count; port = choice.after(*port))
    ports.push_back(*port);
  return ports;
}

}  // namespace

TEST_CASE("ports are tried in the order that was said, with the ends included") {
  CHECK(tried("4000", 9) == std::vector<int>{4000});
  CHECK(tried("4000-4002", 9) == std::vector<int>{4000, 4001, 4002});
  CHECK(tried("4000-4000", 9) == std::vector<int>{4000});
  CHECK(tried(">4000", 3) == std::vector<int>{4000, 4001, 4002});
  CHECK(tried("<3999", 3) == std::vector<int>{3999, 3998, 3997});
  CHECK(tried(">65534", 9) == std::vector<int>{65534, 65535});
  CHECK(tried(">65535", 9) == std::vector<int>{65535});
  CHECK(tried("<2", 9) == std::vector<int>{2, 1});
  CHECK(tried("<1", 9) == std::vector<int>{1});
  CHECK(PortChoice().is_empty());
  CHECK_FALSE(PortChoice().first());
}

TEST_CASE("what is no choice of ports is refused, with what was expected") {
  const auto text =
      GENERATE(as<std::string>{}, "", "0", "65536", "4000-", "-4000", "4010-4000", "4000-70000", "0-9", ">",
               "<", ">0", "<0", "> 4000", "4000 ", "=4000", "4000-4010-4020", "any");
  CAPTURE(text);
  const auto choice = PortChoice::from(text);
  REQUIRE_FALSE(choice);
  CHECK(choice.error().outcome == Outcome::usage);
  CHECK_THAT(choice.error().text, Catch::Contains("4000-4010"));
}

}  // namespace callboard::port_choice_test
