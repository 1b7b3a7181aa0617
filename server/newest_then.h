#pragma once

#include <cstddef>
#include <deque>

#include "base/clock.h"
#include "server/board/operation.h"

namespace callboard::server {

// Which stamp was the newest of a document at what time, by the clock that nobody sets: what was made then is later, also where the
// other clock was set back since, and says less. Loop thread only.
class NewestThen {
 public:
  // So many are remembered, of longer ago one a second.
  static constexpr std::size_t kRemembered = 8192;

  // `newest` is what there is when the server starts.
  void start(Instant now, const Stamp& newest);
  // Nothing happens when there was a newer one.
  void note(Instant now, const Stamp& stamp);
  // Of a moment before the start it is as much older as that was earlier; null where nobody remembers.
  Stamp at(Instant moment) const;

 private:
  struct Since {
    Instant since;
    Stamp stamp;
  };

  void thin_out();

  std::deque<Since> newest_;  // In the order of both.
  bool is_from_start_ = false;
};

}  // namespace callboard::server
