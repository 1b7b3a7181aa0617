#include "tools/cli/interrupt.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <iterator>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace callboard::cli {
namespace {

constexpr int kExitInterrupted = 130;
// Wakes the signal thread at the end. Blocked like the others; nobody sends it from outside for a reason.
constexpr int kWakeUp = SIGURG;

// The signals to listen for: those that were not being ignored already.
sigset_t wanted_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    sigaction(number, nullptr, &now);
    if (now.sa_handler != SIG_IGN) sigaddset(&wanted, number);
  }
  sigaddset(&wanted, kWakeUp);
  return wanted;
}

// A terminal that hangs up is taken from its processes before they are told.
bool has_terminal() {
  const int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

}  // namespace

// Two threads: one takes the signals, so that a second one counts even while a listener of the first hangs; the other calls
// the listeners.
struct Interrupt::Impl {
  mutable std::mutex mutex;  // Guards the six below.
  mutable std::condition_variable changed;
  int first_signal = 0;
  int told_why = 0;  // The value that it came with, where it was sent with one.
  bool is_ending = false;
  bool is_hung_up = false;  // The hangup listeners are to be called.
  bool may_break = false;   // A SIGINT is for the break listener.
  bool is_broken = false;   // It is to be called.

  std::mutex calling;  // Held while listeners are called, and guards the four below.
  std::list<std::function<void()>> listeners;
  std::list<std::function<void()>> hangup_listeners;
  std::list<std::function<void()>> break_listeners;
  bool has_called = false;
  std::atomic<int> hangup_listener_count = 0;
  const bool had_terminal = has_terminal();

  sigset_t signals = wanted_signals();
  sigset_t mask_before;
  std::thread taker;
  std::thread caller;

  void take_signals() {
    while (true) {
      siginfo_t told{};
      const int number = sigwaitinfo(&signals, &told);
      const std::lock_guard lock(mutex);
      if (is_ending) return;
      if (number < 0) continue;  // It was halted, and goes on.
      if (number == kWakeUp) continue;
      if (number == SIGHUP && hangup_listener_count > 0 && (!had_terminal || has_terminal())) {
        is_hung_up = true;
        changed.notify_all();
        continue;
      }
      if (number == SIGINT && first_signal == 0 && may_break) {
        may_break = false;
        is_broken = true;
        changed.notify_all();
        continue;
      }
      if (first_signal != 0) std::_Exit(kExitInterrupted);
      first_signal = number;
      if (told.si_code == SI_QUEUE) told_why = told.si_value.sival_int;
      changed.notify_all();
    }
  }

  void call_listeners() {
    while (const Due due = wait_for_due()) {
      const std::lock_guard lock(calling);
      if (due.is_hung_up) {
        for (const auto& listener : hangup_listeners) listener();
      }
      if (due.is_broken && !break_listeners.empty()) break_listeners.back()();
    }
    if (signal_number() == 0) return;
    const std::lock_guard lock(calling);
    has_called = true;
    for (const auto& listener : listeners) listener();
  }

  struct Due {
    bool is_hung_up = false;
    bool is_broken = false;
    explicit operator bool() const { return is_hung_up || is_broken; }
  };
  // Nothing when it is time to end.
  Due wait_for_due() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return first_signal != 0 || is_ending || is_hung_up || is_broken; });
    if (first_signal != 0 || is_ending) return {};
    return {std::exchange(is_hung_up, false), std::exchange(is_broken, false)};
  }

  int signal_number() const {
    const std::lock_guard lock(mutex);
    return first_signal;
  }
};

struct Interrupt::Listener::Registration {
  Impl* impl;
  std::list<std::function<void()>>* list;
  std::list<std::function<void()>>::iterator entry;
};

Interrupt::Interrupt() : impl_(std::make_unique<Impl>()) {
  pthread_sigmask(SIG_BLOCK, &impl_->signals, &impl_->mask_before);
  impl_->taker = std::thread([impl = impl_.get()] { impl->take_signals(); });
  impl_->caller = std::thread([impl = impl_.get()] { impl->call_listeners(); });
}

Interrupt::~Interrupt() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->is_ending = true;
  }
  impl_->changed.notify_all();
  pthread_kill(impl_->taker.native_handle(), kWakeUp);
  impl_->taker.join();
  impl_->caller.join();
  // A second one that comes now ends it as it would have before, not by the signal itself.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (impl_->first_signal == 0 || sigismember(&impl_->signals, number) != 1) continue;
    struct sigaction last {};
    last.sa_handler = [](int) { std::_Exit(kExitInterrupted); };
    sigaction(number, &last, nullptr);
  }
  pthread_sigmask(SIG_SETMASK, &impl_->mask_before, nullptr);
}

int Interrupt::signal_number() const { return impl_->signal_number(); }

bool Interrupt::is_for_restart() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->told_why == kForRestart;
}

bool Interrupt::is_for_restart_in_place() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->told_why == kForRestartInPlace;
}

Interrupt::Listener Interrupt::listen(std::function<void()> clean_up) {
  const std::lock_guard lock(impl_->calling);
  impl_->listeners.push_back(std::move(clean_up));
  const auto entry = std::prev(impl_->listeners.end());
  // The caller thread takes `calling` only after the first signal was noted: either it is still to come and calls this
  // listener too, or it has been through the list.
  if (impl_->has_called) (*entry)();
  return Listener(std::make_unique<Listener::Registration>(
      Listener::Registration{impl_.get(), &impl_->listeners, entry}));
}

Interrupt::Listener Interrupt::on_hangup(std::function<void()> again) {
  const std::lock_guard lock(impl_->calling);
  impl_->hangup_listeners.push_back(std::move(again));
  ++impl_->hangup_listener_count;
  return Listener(std::make_unique<Listener::Registration>(Listener::Registration{
      impl_.get(), &impl_->hangup_listeners, std::prev(impl_->hangup_listeners.end())}));
}

Interrupt::Listener Interrupt::on_break(std::function<void()> cancel) {
  const std::lock_guard lock(impl_->calling);
  impl_->break_listeners.push_back(std::move(cancel));
  {
    const std::lock_guard guard(impl_->mutex);
    impl_->may_break = true;
    impl_->is_broken = false;
  }
  return Listener(std::make_unique<Listener::Registration>(
      Listener::Registration{impl_.get(), &impl_->break_listeners, std::prev(impl_->break_listeners.end())}));
}

void Interrupt::wait() const {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [&] { return impl_->first_signal != 0; });
}

Interrupt::Listener::Listener(std::unique_ptr<Registration> registration)
    : registration_(std::move(registration)) {}

Interrupt::Listener::~Listener() {
  const std::lock_guard lock(registration_->impl->calling);
  if (registration_->list == &registration_->impl->hangup_listeners) {
    --registration_->impl->hangup_listener_count;
  }
  if (registration_->list == &registration_->impl->break_listeners) {
    const std::lock_guard guard(registration_->impl->mutex);
    registration_->impl->may_break = false;
  }
  registration_->list->erase(registration_->entry);
}

}  // namespace callboard::cli
