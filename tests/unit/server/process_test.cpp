#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "server/descriptors.h"
#include "server/memory.h"

namespace callboard::process_test {
using namespace callboard::server;

TEST_CASE("a server may open as many files as the system lets it") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit few = before;
  few.rlim_cur = std::min<rlim_t>(256, before.rlim_max);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);

  CHECK(raise_descriptor_limit() == before.rlim_max);
  rlimit raised{};
  CHECK(::getrlimit(RLIMIT_NOFILE, &raised) == 0);
  CHECK(raised.rlim_cur == before.rlim_max);
  CHECK(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

#if defined(__GLIBC__) && !defined(CALLBOARD_ASAN) && !defined(CALLBOARD_TSAN)
TEST_CASE("what is free between what is in use is given back to the system") {
  std::vector<std::unique_ptr<std::string>> blocks;
  for (int i = 0; i < 32 * 1024; ++i) blocks.push_back(std::make_unique<std::string>(1000, 'x'));
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 64 != 0) blocks[i].reset();
  }
  const std::uint64_t before = resident_bytes();
  give_back_memory();
  CHECK(resident_bytes() + 16 * MiB < before);
}
#endif

}  // namespace callboard::process_test
