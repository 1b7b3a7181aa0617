#include "server/taking_turns.h"

#include <catch2/catch.hpp>

namespace callboard::server::taking_turns_test {
namespace {

std::string popped(TakingTurns<int>& queue) {
  std::string order;
  while (const auto next = queue.pop()) order += std::to_string(*next) + " ";
  return order;
}

}  // namespace

TEST_CASE("whoever puts much into a queue has every other turn while there is somebody else") {
  TakingTurns<int> queue;
  for (int i = 10; i < 14; ++i) queue.push("a", i);
  queue.push("b", 20);
  queue.push("b", 21);
  CHECK(popped(queue) == "10 20 11 21 12 13 ");
  CHECK_FALSE(queue.pop());
}

TEST_CASE("who comes while others wait has to wait for one of each") {
  TakingTurns<int> queue;
  for (const char* who : {"a", "b"}) {
    for (int i = 0; i < 3; ++i) queue.push(who, *who == 'a' ? i : 10 + i);
  }
  CHECK(queue.pop() == 0);
  queue.push("c", 20);
  CHECK(popped(queue) == "10 1 20 11 2 12 ");
}

TEST_CASE("what is taken out of a queue costs nobody a turn") {
  TakingTurns<int> queue;
  for (const char* who : {"a", "b"}) queue.push(who, *who);
  queue.push("b", 7);
  queue.erase_if("a", [](int) { return true; });
  queue.erase_if("nobody", [](int) { return true; });
  queue.erase_if("b", [](int each) { return each == 7; });
  CHECK(queue.pop() == 'b');
  CHECK_FALSE(queue.pop());
  queue.push("a", 1);
  queue.clear();
  CHECK_FALSE(queue.pop());
}

}  // namespace callboard::server::taking_turns_test
