#include "base/ensure.h"

#include <cstdio>
#include <cstdlib>

namespace callboard {

void ensure_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "callboard: bug: ENSURE(%s) at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace callboard
