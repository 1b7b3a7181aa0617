#pragma once

#include <new>

#include "base/error.h"

namespace callboard {

// How many of these calls this thread is in.
inline constinit thread_local int within_memory_depth = 0;

// What peers make the program hold, some 100 MiB at a time at most, may find no memory where that of the
// process is limited. Then it fails for them: `make` returns a Result and leaves nothing half done. It takes nothing of what a
// server has set aside (server/memory_reserve.h) for allocations elsewhere, which end the program when they fail.
template <class Make>
auto within_memory(Make&& make) -> decltype(make()) {
  struct Within {
    Within() { ++within_memory_depth; }
    ~Within() { --within_memory_depth; }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;
  };
  try {
    const Within within;
    return make();
  } catch (const std::bad_alloc&) {
    return Error{Outcome::failed, "there is not enough memory for it"};
  }
}

}  // namespace callboard
