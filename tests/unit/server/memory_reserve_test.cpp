#include "server/memory_reserve.h"

#include <catch2/catch.hpp>

#include <new>
#include <string>

#include "base/within_memory.h"

namespace callboard::server::memory_reserve_test {
namespace {

// As an allocation that finds no memory does.
bool gets_some() {
  try {
    std::get_new_handler()();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace

TEST_CASE("who finds no memory gets a portion of what was set aside, until that is all gone or taken back") {
  int given = 0;
  MemoryReserve reserve([&] { ++given; });
  CHECK(reserve.held_bytes() == kMemoryReserve);
  REQUIRE(gets_some());
  CHECK(reserve.held_bytes() == kMemoryReserve - kMemoryPortion);
  while (gets_some()) {
  }
  CHECK(reserve.held_bytes() == 0);
  CHECK(given == kMemoryReserve / kMemoryPortion);
  CHECK(reserve.take_back());
  CHECK(reserve.held_bytes() == kMemoryReserve);
}

TEST_CASE("what may fail for want of memory takes nothing of what was set aside") {
  MemoryReserve reserve([] {});
  const auto failed = within_memory([&]() -> Result<int> {
    std::get_new_handler()();
    return 1;
  });
  REQUIRE_FALSE(failed);
  CHECK(failed.error().text == "there is not enough memory for it");
  CHECK(reserve.held_bytes() == kMemoryReserve);
  CHECK(gets_some());
}

TEST_CASE("a process sets memory aside once, and what handled its want before does so again afterwards") {
  const auto before = std::get_new_handler();
  {
    MemoryReserve reserve([] {});
    const MemoryReserve another([] {});
    CHECK(another.held_bytes() == 0);
    REQUIRE(gets_some());
    CHECK(reserve.held_bytes() == kMemoryReserve - kMemoryPortion);
  }
  CHECK(std::get_new_handler() == before);
}

}  // namespace callboard::server::memory_reserve_test
