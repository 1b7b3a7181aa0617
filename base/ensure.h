#pragma once

namespace callboard {

// Prints the broken promise and aborts. A failed ENSURE is a bug in this program, never a peer's or the system's doing.
[[noreturn]] void ensure_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace callboard

// Checked in every build: a broken invariant stops here instead of spreading.
#define ENSURE(condition) \
  ((condition) ? static_cast<void>(0) : ::callboard::ensure_failed(#condition, __FILE__, __LINE__))
