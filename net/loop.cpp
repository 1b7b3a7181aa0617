#include "net/loop.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/ensure.h"
#include "net/sigpipe.h"
#include "net/uv_handle.h"

namespace callboard::net {

struct Loop::Impl {
  uv_loop_t loop{};
  UvHandle<uv_async_t> woken;
  UvHandle<uv_prepare_t> before_waiting;
  UvHandle<uv_check_t> after_waiting;
  UvHandle<uv_idle_t>
      no_waiting;  // Active while there is something to do at the end of the turn, so that the loop does not wait.
  UvHandle<uv_timer_t> limit;
  std::vector<Task> end_of_turn;
  TurnSender sender;
  const std::function<bool()>* condition = nullptr;  // Of run_until(), while it waits.
  int holds = 0;
  std::uint64_t turn = 0;
  std::uint64_t read_bytes = 0;  // In this turn.
  bool is_closing = false;
  std::atomic<bool> stop_asked{false};
  std::atomic<std::thread::id> thread{};
  std::mutex posted_lock;
  std::vector<Task> posted;

  void open_handles();
  bool run_posted();
  void run_end_of_turn();
  bool is_enough() const noexcept;

  static void on_woken(uv_async_t* handle) noexcept {
    auto* impl = owner_of<Impl>(handle);
    impl->run_posted();
    if (impl->stop_asked) {
      uv_stop(&impl->loop);
    }
  }
  static void on_before_waiting(uv_prepare_t* handle) noexcept {
    auto* impl = owner_of<Impl>(handle);
    impl->run_end_of_turn();
    // Timers that were due as the turn began are past, and nothing else may come.
    if (impl->is_enough()) uv_stop(&impl->loop);
  }
  static void on_after_waiting(uv_check_t* handle) noexcept {
    auto* impl = owner_of<Impl>(handle);
    impl->run_end_of_turn();
    ++impl->turn;
    impl->read_bytes = 0;
  }
  static void on_idle(uv_idle_t*) noexcept {}
  static void on_limit(uv_timer_t*) noexcept {}
};

namespace {

// A condition that is asked while it lives.
class Asked {
 public:
  Asked(const std::function<bool()>*& place, const std::function<bool()>& condition) : place_(place) {
    place_ = &condition;
  }
  ~Asked() { place_ = nullptr; }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

 private:
  const std::function<bool()>*& place_;
};

// Marks the calling thread as the loop thread for as long as it runs the loop.
class Running {
 public:
  explicit Running(std::atomic<std::thread::id>& thread) : thread_(thread) {
    ENSURE(thread.load() == std::thread::id{});
    thread = std::this_thread::get_id();
  }
  ~Running() { thread_ = std::thread::id{}; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  std::atomic<std::thread::id>& thread_;
  SigpipeGuard no_sigpipe_;
};

}  // namespace

void Loop::Impl::open_handles() {
  ENSURE(woken.open(this, [&](uv_async_t* handle) { return uv_async_init(&loop, handle, &on_woken); }) == 0);
  ENSURE(before_waiting.open(this, [&](uv_prepare_t* handle) { return uv_prepare_init(&loop, handle); }) ==
         0);
  ENSURE(after_waiting.open(this, [&](uv_check_t* handle) { return uv_check_init(&loop, handle); }) == 0);
  ENSURE(no_waiting.open(this, [&](uv_idle_t* handle) { return uv_idle_init(&loop, handle); }) == 0);
  ENSURE(limit.open(this, [&](uv_timer_t* handle) { return uv_timer_init(&loop, handle); }) == 0);
  uv_prepare_start(before_waiting.get(), &on_before_waiting);
  uv_check_start(after_waiting.get(), &on_after_waiting);
  // These three serve what is there; only hold() makes one of them a reason to go on.
  uv_unref(woken.handle());
  uv_unref(before_waiting.handle());
  uv_unref(after_waiting.handle());
}

bool Loop::Impl::run_posted() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(posted_lock);
    tasks.swap(posted);
  }
  for (Task& task : tasks) {
    task();
  }
  return !tasks.empty();
}

void Loop::Impl::run_end_of_turn() {
  std::vector<Task> tasks;
  tasks.swap(end_of_turn);
  for (Task& task : tasks) {
    task();
  }
  sender.send();
  tasks.clear();  // Deletes what was retired, after all tasks that may still mean it.
  if (end_of_turn.empty() && sender.is_empty()) {
    uv_idle_stop(no_waiting.get());
  }
}

// Where that throws it does so again where nothing of libuv is in the way.
bool Loop::Impl::is_enough() const noexcept {
  try {
    return condition != nullptr && (*condition)();
  } catch (...) {
    return true;
  }
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {
  ENSURE(uv_loop_init(&impl_->loop) == 0);
  impl_->open_handles();
}

Loop::~Loop() {
  ENSURE(impl_->thread.load() == std::thread::id{});
  const SigpipeGuard no_sigpipe;
  impl_->is_closing = true;
  std::vector<Task> dropped;
  {
    const std::lock_guard lock(impl_->posted_lock);
    dropped.swap(impl_->posted);
  }
  dropped.clear();
  dropped.swap(impl_->end_of_turn);
  dropped.clear();
  impl_->sender.drop();
  impl_->woken.reset();
  impl_->before_waiting.reset();
  impl_->after_waiting.reset();
  impl_->no_waiting.reset();
  impl_->limit.reset();
  uv_walk(
      &impl_->loop, [](uv_handle_t* handle, void*) noexcept { HandleBox::close(handle); }, nullptr);
  uv_run(&impl_->loop, UV_RUN_DEFAULT);
  ENSURE(uv_loop_close(&impl_->loop) == 0);
}

void Loop::run() {
  const Running running(impl_->thread);
  while (!impl_->stop_asked.exchange(false)) {
    const bool is_alive = uv_run(&impl_->loop, UV_RUN_DEFAULT) != 0;
    if (!is_alive && !impl_->stop_asked && !impl_->run_posted()) {
      return;
    }
  }
}

bool Loop::run_until(const std::function<bool()>& condition, Duration limit) {
  const Running running(impl_->thread);
  const Instant deadline = now() + limit;
  bool holds = condition();
  const Asked asked(impl_->condition, condition);
  while (!holds && now() < deadline && !impl_->stop_asked.exchange(false)) {
    // Wakes the loop at the deadline; also what keeps it waiting for posts when nothing else is open.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now()).count();
    uv_update_time(&impl_->loop);
    uv_timer_start(impl_->limit.get(), &Impl::on_limit,
                   static_cast<std::uint64_t>(std::max<long long>(left, 1)), 0);
    uv_run(&impl_->loop, UV_RUN_ONCE);
    holds = condition();
  }
  uv_timer_stop(impl_->limit.get());
  return holds;
}

void Loop::stop() {
  impl_->stop_asked = true;
  uv_async_send(impl_->woken.get());
}

void Loop::post(Task task) {
  if (impl_->is_closing) {
    return;  // Only the loop thread can get here: everybody else must have stopped before the Loop goes.
  }
  bool is_first = false;
  {
    const std::lock_guard lock(impl_->posted_lock);
    impl_->posted.push_back(std::move(task));
    is_first = impl_->posted.size() == 1;
  }
  // Without the lock, which is the first thing that a loop that wakes asks for.
  if (is_first) {
    uv_async_send(impl_->woken.get());
  }
}

void Loop::at_end_of_turn(Task task) {
  if (impl_->is_closing) {
    return;
  }
  impl_->end_of_turn.push_back(std::move(task));
  uv_idle_start(impl_->no_waiting.get(), &Impl::on_idle);
}

void Loop::send_at_end_of_turn(std::shared_ptr<TurnSender::Side> side) {
  if (impl_->is_closing) {
    return;
  }
  impl_->sender.add(std::move(side));
  uv_idle_start(impl_->no_waiting.get(), &Impl::on_idle);
}

void Loop::retire_any(std::shared_ptr<void> object) {
  // The task does nothing: it is the place where the object lives until the turn is over.
  at_end_of_turn([object = std::move(object)] {});
}

std::uint64_t Loop::turn() const { return impl_->turn; }

std::uint64_t Loop::add_read_bytes(std::uint64_t more) { return impl_->read_bytes += more; }

void Loop::hold() {
  if (impl_->holds++ == 0 && !impl_->is_closing) {
    uv_ref(impl_->woken.handle());
  }
}

void Loop::release() {
  ENSURE(impl_->holds > 0);
  if (--impl_->holds == 0 && !impl_->is_closing) {
    uv_unref(impl_->woken.handle());
  }
}

bool Loop::is_loop_thread() const { return impl_->thread.load() == std::this_thread::get_id(); }

uv_loop_s* Loop::native() { return &impl_->loop; }

}  // namespace callboard::net
