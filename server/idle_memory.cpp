#include "server/idle_memory.h"

#include "base/clock.h"
#include "server/memory.h"

namespace callboard::server {
namespace {

constexpr std::size_t kManyComings = 64;
constexpr Duration kCalm = std::chrono::seconds(2);

}  // namespace

IdleMemory::IdleMemory(net::Loop& loop, net::WorkQueue& work)
    : work_(work), timer_(loop, [this] {
        comings_and_goings_ = 0;
        work_.submit(net::WorkQueue::Job([](const std::stop_token&) {
          give_back_memory();
          return net::WorkQueue::Delivery();
        }));
      }) {}

void IdleMemory::on_coming_or_going() {
  if (++comings_and_goings_ >= kManyComings && !is_stopped_) timer_.set_after(kCalm);
}

void IdleMemory::stop() {
  is_stopped_ = true;
  timer_.cancel();
}

}  // namespace callboard::server
