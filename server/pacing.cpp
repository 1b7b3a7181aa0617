#include "server/pacing.h"

#include "base/door_limits.h"

namespace callboard::server {

// What all together get of a turn; beyond that each still gets one thing done. So forty that ask for what is dear all the time,
// 0.1 ms each, cost somebody else 6 ms and not 20.
constexpr auto kTurnTime = 2ms;
static_assert(kTurnTime >= kTurnShare);

bool Pacing::has_had_its_share(Instant since, Instant now) {
  if (!*turn_began_) {
    *turn_began_ = since;
    loop_.at_end_of_turn([began = turn_began_] { began->reset(); });
  }
  return now - since >= kTurnShare || now - **turn_began_ >= kTurnTime;
}

}  // namespace callboard::server
