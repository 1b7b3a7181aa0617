#include "net/loop.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/clock_distance.h"
#include "base/ensure.h"
#include "base/id.h"
#include "net/alarm.h"
#include "net/timer.h"
#include "net/work_queue.h"
#include "tests/sim/turns.h"
#include "tests/sim/world.h"

// Time, chance, and what runs in them. Being the program's own objects, these are taken before what the libraries have;
// their contracts are in the headers of base/ and net/.
namespace callboard {
namespace {

using sim::World;

// 2026-01-01.
constexpr std::int64_t kBeginning_ms = 1'767'225'600'000;

class WorldClock final : public Clock {
 public:
  Timestamp wall() const override {
    const auto* machine = World::get().running();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(monotonic().time_since_epoch());
    return Timestamp{kBeginning_ms + ms.count() + (machine == nullptr ? 0 : machine->wall_offset_ms)};
  }
  Instant monotonic() const override {
    const World& world = World::get();
    const Duration passed = world.now().time_since_epoch();
    return Instant(passed +
                   (world.running() == nullptr ? 0 : world.running()->drift_ppm) * (passed / 1'000'000));
  }
};

}  // namespace

const Clock& system_clock() {
  static const WorldClock clock;
  return clock;
}

Duration clock_distance() {
  return std::chrono::milliseconds(system_clock().wall().ms) - system_clock().monotonic().time_since_epoch();
}

RandomSource system_random() {
  return [] { return World::get().random()(); };
}

}  // namespace callboard

namespace callboard::net {

using sim::World;

struct Loop::Impl {
  std::shared_ptr<uv_loop_s> turns = std::make_shared<uv_loop_s>();
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() {
  impl_->turns->is_closed = true;
  std::exchange(impl_->turns->pending, {}).clear();
  std::exchange(impl_->turns->end_of_turn, {}).clear();
}
void Loop::run() { ENSURE(false && "a World turns its loops"); }
bool Loop::run_until(const std::function<bool()>&, Duration) {
  ENSURE(false && "a World turns its loops");
  return false;
}
void Loop::stop() {}
void Loop::post(Task task) { impl_->turns->post(std::move(task)); }
void Loop::at_end_of_turn(Task task) {
  if (impl_->turns->is_closed) return;
  impl_->turns->end_of_turn.push_back(std::move(task));
  impl_->turns->schedule();
}
void Loop::retire_any(std::shared_ptr<void> object) {
  at_end_of_turn([object = std::move(object)] {});
}
void Loop::hold() {}
void Loop::release() {}
bool Loop::is_loop_thread() const { return impl_->turns->is_turning; }
uv_loop_s* Loop::native() { return impl_->turns.get(); }

// --- Timer ----------------------------------------------------------------------------------------------------------

struct Timer::Impl : std::enable_shared_from_this<Timer::Impl> {
  Impl(Loop& on, std::function<void()> callback)
      : turns(on.native()->shared_from_this()), on_due(std::move(callback)) {}

  std::shared_ptr<uv_loop_s> turns;
  std::function<void()> on_due;
  std::uint64_t setting = 0;  // Which of the times set is the one.
  bool is_set = false;

  void set(Duration delay) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::max(delay, Duration::zero()));
    is_set = true;
    const auto due = [weak = weak_from_this(), mine = ++setting] {
      const auto impl = weak.lock();
      if (!impl || impl->setting != mine || !impl->is_set) return;
      impl->is_set = false;
      impl->on_due();
    };
    turns->world.after(ms, [weak = std::weak_ptr(turns), due] {
      if (const auto loop = weak.lock()) loop->post(due);
    });
  }
};

Timer::Timer(Loop& loop, std::function<void()> on_due)
    : impl_(std::make_shared<Impl>(loop, std::move(on_due))) {}
Timer::~Timer() { impl_->is_set = false; }
void Timer::set_at(Instant due) { set_after(due - system_clock().monotonic()); }
void Timer::set_after(Duration delay) { impl_->set(delay); }
void Timer::cancel() { impl_->is_set = false; }
bool Timer::is_set() const { return impl_->is_set; }

// --- Alarm ----------------------------------------------------------------------------------------------------------

// What is raised by what no World has: a process without memory.
struct Alarm::Impl {};
Alarm::Alarm(Loop&, std::function<void()>) {}
Alarm::~Alarm() = default;
void Alarm::raise() noexcept {}

// --- WorkQueue ------------------------------------------------------------------------------------------------------

struct WorkQueue::Impl : std::enable_shared_from_this<WorkQueue::Impl> {
  Impl(Loop& on, std::size_t threads) : turns(on.native()->shared_from_this()), free_at(threads) {}

  std::shared_ptr<uv_loop_s> turns;
  std::vector<Instant> free_at;  // Of each thread.
  std::size_t pending = 0;
  std::shared_ptr<bool> is_there = std::make_shared<bool>(true);
};

WorkQueue::WorkQueue(Loop& loop, std::size_t thread_count)
    : impl_(std::make_unique<Impl>(loop, thread_count)) {}
WorkQueue::~WorkQueue() { *impl_->is_there = false; }

void WorkQueue::submit(Job job) {
  ++impl_->pending;
  World& world = impl_->turns->world;
  Instant& thread = *std::ranges::min_element(impl_->free_at);
  const Instant begin = std::max(thread, world.now() + world.between(0ns, world.weather.delay_max));
  thread = begin + world.between(0ns, world.weather.work_max);
  const auto run = [impl = impl_.get(), is_there = impl_->is_there, end = thread, job = std::move(job)] {
    if (!*is_there) return;
    const auto deliver = [impl, is_there, delivery = job(std::stop_token())] {
      if (!*is_there) return;
      --impl->pending;
      if (delivery) delivery();
    };
    impl->turns->world.at(end, [turns = impl->turns, deliver] { turns->post(deliver); });
  };
  world.at(begin, [run, &machine = impl_->turns->machine, &world] { world.on(machine, run); });
}

std::size_t WorkQueue::pending() const { return impl_->pending; }

}  // namespace callboard::net
