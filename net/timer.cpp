#include "net/timer.h"

#include <algorithm>
#include <chrono>

#include "net/uv_handle.h"

namespace callboard::net {

struct Timer::Impl : std::enable_shared_from_this<Timer::Impl> {
  Loop& loop;
  std::function<void()> on_due;
  UvHandle<uv_timer_t> timer;

  Impl(Loop& on, std::function<void()> callback) : loop(on), on_due(std::move(callback)) {}

  static void on_timer(uv_timer_t* handle) noexcept {
    if (auto* impl = owner_of<Impl>(handle)) {
      const auto kept = impl->shared_from_this();
      kept->on_due();
    }
  }
};

Timer::Timer(Loop& loop, std::function<void()> on_due)
    : impl_(std::make_shared<Impl>(loop, std::move(on_due))) {
  ENSURE(impl_->timer.open(impl_.get(),
                           [&](uv_timer_t* timer) { return uv_timer_init(loop.native(), timer); }) == 0);
}

Timer::~Timer() { impl_->timer.reset(); }

void Timer::set_at(Instant due) { set_after(due - impl_->loop.now()); }

void Timer::set_after(Duration delay) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::max(delay, Duration::zero())).count();
  // The loop's own time may be as old as the turn.
  uv_update_time(impl_->loop.native());
  uv_timer_start(impl_->timer.get(), &Impl::on_timer, static_cast<std::uint64_t>(ms), 0);
}

void Timer::cancel() { uv_timer_stop(impl_->timer.get()); }

bool Timer::is_set() const { return uv_is_active(impl_->timer.handle()) != 0; }

}  // namespace callboard::net
