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

}  // namespace
}  // namespace callboard::net::send_queue_test
