#pragma once

#include <new>

#include "base/error.h"

namespace callboard {

// What peers make the program hold, some 100 MiB at a time at most, may find no memory where that of the
// process is limited. Then it fails for them: `make` returns a Result and leaves nothing half done. Small
// allocations that fail end the program.
template <class Make>
auto within_memory(Make&& make) -> decltype(make()) {
  try {
    return make();
  } catch (const std::bad_alloc&) {
    return Error{Outcome::failed, "there is not enough memory for it"};
  }
}

}  // namespace callboard
