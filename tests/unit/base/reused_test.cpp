#include "base/reused.h"

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

namespace callboard::reused_test {
namespace {

struct Room {
  std::vector<int> numbers;
  int cleared = 0;

  void clear() {
    numbers.clear();
    ++cleared;
  }
};

TEST_CASE("what is let go of is empty for the next who asks, and has its memory") {
  auto room = take_reused<Room>();
  room->numbers.assign(100, 7);
  const Room* const first = room.get();
  room.reset();
  const auto next = take_reused<Room>();
  CHECK(next->numbers.empty());
  if (kSparesMax == 0) return;  // A sanitizer wants every use of what is gone.
  CHECK(next.get() == first);
  CHECK(next->cleared == 1);
  CHECK(next->numbers.capacity() >= 100);
  CHECK(take_reused<Room>().get() != first);
}

TEST_CASE("a text that grew large gives its memory back") {
  take_reused<std::string>()->assign(2 * kReusedMax, 'x');
  CHECK(take_reused<std::string>()->capacity() <= kReusedMax);
}

TEST_CASE("what one thread lets go of another may have had, and both may end") {
  std::shared_ptr<std::string> text;
  std::thread([&text] { text = make_shared_for_a_moment<std::string>("of another"); }).join();
  CHECK(*text == "of another");
  text.reset();
  Reused<Room> room = take_reused<Room>();
  std::thread([moved = std::move(room)]() mutable { moved.reset(); }).join();
}

}  // namespace
}  // namespace callboard::reused_test
