#include "server/idle_memory.h"

#include <utility>

#include "base/clock.h"
#include "server/memory.h"

namespace callboard::server {
namespace {

constexpr std::size_t kManyComings = 64;
constexpr Duration kCalm = std::chrono::seconds(2);

}  // namespace

IdleMemory::IdleMemory(net::Loop& loop, net::WorkQueue& work)
    : work_(work), timer_(loop, [this] { on_timer(); }) {}

// Calm is when few come and go: in a studio somebody always does.
void IdleMemory::on_timer() {
  if (std::exchange(comings_and_goings_, 0) >= kManyComings) return timer_.set_after(kCalm);
  give_back();
}

void IdleMemory::give_back() {
  work_.submit(net::WorkQueue::Job([](const std::stop_token&) {
    give_back_memory();
    return net::WorkQueue::Delivery();
  }));
}

void IdleMemory::on_coming_or_going() {
  if (++comings_and_goings_ < kManyComings || is_stopped_ || timer_.is_set()) return;
  comings_and_goings_ = 0;
  timer_.set_after(kCalm);
}

void IdleMemory::stop() {
  is_stopped_ = true;
  timer_.cancel();
}

}  // namespace callboard::server
