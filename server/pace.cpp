#include "server/pace.h"

#include <algorithm>

namespace callboard::server {

Pace::Pace(std::uint64_t per_second) {
  constexpr std::uint64_t kNanosecond = 1'000'000'000;
  if (per_second > 0) each_ = Duration(kNanosecond / std::min(per_second, kNanosecond));
}

void Pace::add(std::uint64_t count, Instant now) {
  due_ = std::max(due_, now) + each_ * static_cast<std::int64_t>(count);
}

Pace::Verdict Pace::on_some(std::uint64_t count, Instant now) {
  if (each_ == Duration(0)) return Verdict::fine;
  add(count, now);
  if (due_ - now <= kPaceTold) {
    since_.reset();
    return Verdict::fine;
  }
  const bool is_first = !since_;
  if (is_first) since_ = now;
  if (now - *since_ >= kPacePatience) return Verdict::over;
  // Also of what cost so much that it would be held at once.
  if (is_first) return Verdict::told;
  return due_ - now > kPaceHeld ? Verdict::held : Verdict::fine;
}

}  // namespace callboard::server
