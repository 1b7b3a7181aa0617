#include "server/memory_watch.h"

#include <utility>

namespace callboard::server {

MemoryWatch::MemoryWatch(net::Loop& loop, EventLog& events, Outside outside)
    : events_(events),
      outside_(std::move(outside)),
      retry_(loop, [this] { on_retry(); }),
      alarm_(loop, [this] { on_given(); }),
      reserve_([this] { alarm_.raise(); }) {}

void MemoryWatch::on_given() {
  if (!std::exchange(is_short_, true)) {
    const Error why{Outcome::failed, "it has no memory left"};
    events_.error("no memory left, nobody is let in", {{"reserve_bytes", reserve_.held_bytes()}});
    outside_.shut(&why);
    retry_.set_after(kMemoryRetryPeriod);
  }
  if (reserve_.held_bytes() < kMemoryReserve - kMemoryPortion) outside_.end_largest();
}

void MemoryWatch::on_retry() {
  if (!reserve_.take_back()) {
    outside_.end_largest();
    return retry_.set_after(kMemoryRetryPeriod);
  }
  is_short_ = false;
  events_.info("there is memory again, people are let in");
  outside_.shut(nullptr);
}

}  // namespace callboard::server
