#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/core_dumps.h"

namespace callboard {

void forbid_core_dumps() {
  constexpr rlimit kNone{0, 0};
  // Lowering a limit is permitted to everybody.
  static_cast<void>(::setrlimit(RLIMIT_CORE, &kNone));
  // A program that takes core dumps by a pipe is not bound by that limit. The leak detector of a sanitized build looks into
  // its own process from outside.
#if defined(__linux__) && !defined(CALLBOARD_ASAN)
  static_cast<void>(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
#endif
}

}  // namespace callboard
