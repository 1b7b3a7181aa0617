#include "server/memory_reserve.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <new>
#include <string>
#include <thread>

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

// A sanitizer sets aside address space of its own, terabytes of it.
#if !defined(CALLBOARD_ASAN) && !defined(__SANITIZE_THREAD__)
void limit_memory(std::uint64_t more_bytes) {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages;
  const rlimit limit{pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + more_bytes, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(100);
}

// Also what the allocator keeps, of what others have given back.
void use_up_memory() {
  limit_memory(0);
  constexpr int kPiecesMax = 100'000;
  for (int i = 0; i < kPiecesMax; ++i) {
    void* volatile kept = std::malloc(kMemoryPiece);
    if (kept == nullptr) return;
  }
}

// Where there is no memory, nobody else is to suffer. What it says is 0 when all is well.
int in_a_process_of_its_own(const std::function<int()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(work());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#endif

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

TEST_CASE("who found none before others got some, or looked for some, tries again and gets nothing") {
  MemoryReserve reserve([] {});
  bool is_tried_again = false;
  bool is_given = false;
  std::thread([&] {
    is_tried_again = gets_some() && reserve.held_bytes() == kMemoryReserve;
    is_given = gets_some() && reserve.held_bytes() == kMemoryReserve - kMemoryPortion;
  }).join();
  CHECK(is_tried_again);
  CHECK(is_given);
  // This thread looked for some when it made the reserve, and the other one got some since.
  CHECK(gets_some());
  CHECK(reserve.held_bytes() == kMemoryReserve - kMemoryPortion);
}

#if !defined(CALLBOARD_ASAN) && !defined(__SANITIZE_THREAD__)
TEST_CASE("what was given is taken back once there is as much and a portion besides") {
  const int problem = in_a_process_of_its_own([] {
    MemoryReserve reserve([] {});
    if (!gets_some()) return 1;
    use_up_memory();
    limit_memory(kMemoryPortion + kMemoryPiece);
    if (reserve.take_back()) return 2;
    limit_memory(2 * kMemoryPortion + kMemoryPiece);
    return reserve.take_back() ? 0 : 3;
  });
  CHECK(problem == 0);
}

TEST_CASE("who starts with little memory sets aside what there is, and is content with that") {
  const int problem = in_a_process_of_its_own([] {
    use_up_memory();
    limit_memory(kMemoryReserve - kMemoryPiece);
    MemoryReserve reserve([] {});
    const std::size_t held = reserve.held_bytes();
    if (held == 0 || held >= kMemoryReserve || !gets_some()) return 1;
    return reserve.take_back() && reserve.held_bytes() == held ? 0 : 2;
  });
  CHECK(problem == 0);
}

TEST_CASE("what may fail for want of memory gets the first portion where there is none for anything") {
  const int problem = in_a_process_of_its_own([] {
    MemoryReserve reserve([] {});
    use_up_memory();
    const auto gets_some_within = [] {
      const auto done = within_memory([]() -> Result<void> {
        std::get_new_handler()();
        return {};
      });
      return done.has_value();
    };
    if (!gets_some_within() || reserve.held_bytes() != kMemoryReserve - kMemoryPortion) return 1;
    // There is some now: what failed was large. And what is left is for those who must not fail.
    if (gets_some_within()) return 2;
    use_up_memory();
    return gets_some_within() ? 3 : 0;
  });
  CHECK(problem == 0);
}
#endif

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
