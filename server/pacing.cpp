#include "server/pacing.h"

#include "base/limits.h"

namespace callboard::server {

bool Pacing::has_had_its_share(Instant since, Instant now) {
  if (!*turn_began_) {
    *turn_began_ = since;
    loop_.at_end_of_turn([began = turn_began_] { began->reset(); });
  }
  return now - since >= kTurnShare || is_turn_over(now);
}

bool Pacing::is_turn_over(Instant now) const { return *turn_began_ && now - **turn_began_ >= kTurnTime; }

}  // namespace callboard::server
