#include "net/send_queue.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

namespace callboard::net::send_queue_test {
namespace {

SharedBytes bytes_of(std::string_view text) {
  return SharedBytes(std::make_shared<const std::string>(std::string(text)));
}

std::string text_of(const SendQueue& queue) {
  std::string all;
  for (const SharedBytes& part : queue.parts()) all += as_text(part.view);
  return all;
}

TEST_CASE("a queue keeps the order of small and large parts, and what was not taken of them") {
  SendQueue queue;
  const std::string large(4096, 'x');
  queue.push(bytes_of("a"));
  queue.push(bytes_of("b"));
  queue.push(bytes_of(large));
  queue.push(bytes_of("c"));
  CHECK(queue.parts().size() == 3);
  CHECK(queue.size_bytes() == large.size() + 3);
  queue.drop(1);
  CHECK(text_of(queue) == "b" + large + "c");
  queue.drop(large.size());
  CHECK(text_of(queue) == "xc");
  queue.push(bytes_of("d"));
  CHECK(text_of(queue) == "xcd");
  queue.drop(3);
  CHECK(queue.is_empty());
}

TEST_CASE("what was taken reads as it did, whatever is put together after it") {
  SendQueue queue;
  queue.push(bytes_of("a"));
  queue.push(bytes_of("b"));
  const auto taken = queue.take();
  CHECK(queue.is_empty());
  SendQueue other;
  for (SendQueue* each : {&queue, &other}) {
    each->push(bytes_of("c"));
    each->push(bytes_of("d"));
    CHECK(text_of(*each) == "cd");
  }
  REQUIRE(taken.size() == 1);
  CHECK(as_text(taken[0].view) == "ab");
}

TEST_CASE("what comes behind pieces of which some were taken does not change them") {
  SendQueue queue;
  for (const char* each : {"a", "b", "c"}) queue.push(bytes_of(each));
  queue.drop(1);
  for (const char* each : {"d", "e"}) queue.push(bytes_of(each));
  CHECK(text_of(queue) == "bcde");
  queue.drop(3);
  CHECK(text_of(queue) == "e");
  queue.drop(1);
  CHECK(queue.is_empty());
  queue.push(bytes_of("f"));
  queue.push(bytes_of("g"));
  CHECK(text_of(queue) == "fg");
}

}  // namespace
}  // namespace callboard::net::send_queue_test
