#pragma once

#include "base/clock.h"

namespace callboard::client {

// How long a pull waits for room on a full disk, and how often it looks.
struct TakerPatience {
  const Clock* clock = nullptr;  // Outlives the pull. nullptr: there is no patience.
  Duration limit{};
  Duration period{};
};

}  // namespace callboard::client
