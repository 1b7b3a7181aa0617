#include "server/pace.h"

#include <algorithm>

namespace callboard::server {

Pace::Pace(std::uint64_t per_second) {
  constexpr std::uint64_t kNanosecond = 1'000'000'000;
  if (per_second > 0) each_ = Duration(kNanosecond / std::min(per_second, kNanosecond));
}

Pace::Verdict Pace::on_one(Instant now) {
  if (each_ == Duration(0)) return Verdict::fine;
  due_ = std::max(due_, now) + each_;
  if (due_ - now <= kPaceTold) {
    since_.reset();
    return Verdict::fine;
  }
  const bool is_first = !since_;
  if (is_first) since_ = now;
  if (now - *since_ >= kPacePatience) return Verdict::over;
  if (due_ - now > kPaceHeld) return Verdict::held;
  return is_first ? Verdict::told : Verdict::fine;
}

}  // namespace callboard::server
