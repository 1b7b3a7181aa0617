#pragma once

namespace callboard::sync {

// The canonical decomposition of a character, one step: é is e and an accent. `second` is 0 when there is none.
struct Decomposition {
  char32_t first = 0;
  char32_t second = 0;
};
Decomposition decomposed(char32_t c);

}  // namespace callboard::sync
