#include "tools/cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <list>
#include <mutex>
#include <thread>

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

}  // namespace

// Two threads: one takes the signals, so that a second one counts even while a listener of the first hangs; the other calls
// the listeners.
struct Interrupt::Impl {
  mutable std::mutex mutex;  // Guards the two below.
  mutable std::condition_variable changed;
  int first_signal = 0;
  bool is_ending = false;

  std::mutex calling;  // Held while listeners are called, and guards the two below.
  std::list<std::function<void()>> listeners;
  bool has_called = false;

  sigset_t signals = wanted_signals();
  sigset_t mask_before;
  std::thread taker;
  std::thread caller;

  void take_signals() {
    while (true) {
      int number = 0;
      sigwait(&signals, &number);
      const std::lock_guard lock(mutex);
      if (is_ending) return;
      if (number == kWakeUp) continue;
      if (first_signal != 0) std::_Exit(kExitInterrupted);
      first_signal = number;
      changed.notify_all();
    }
  }

  void call_listeners() {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return first_signal != 0 || is_ending; });
      if (first_signal == 0) return;
    }
    const std::lock_guard lock(calling);
    has_called = true;
    for (const auto& listener : listeners) listener();
  }
};

struct Interrupt::Listener::Registration {
  Impl* impl;
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
  pthread_sigmask(SIG_SETMASK, &impl_->mask_before, nullptr);
}

int Interrupt::signal_number() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->first_signal;
}

Interrupt::Listener Interrupt::listen(std::function<void()> clean_up) {
  const std::lock_guard lock(impl_->calling);
  impl_->listeners.push_back(std::move(clean_up));
  const auto entry = std::prev(impl_->listeners.end());
  // The caller thread takes `calling` only after the first signal was noted: either it is still to come and calls this
  // listener too, or it has been through the list.
  if (impl_->has_called) (*entry)();
  return Listener(std::make_unique<Listener::Registration>(Listener::Registration{impl_.get(), entry}));
}

void Interrupt::wait() const {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [&] { return impl_->first_signal != 0; });
}

Interrupt::Listener::Listener(std::unique_ptr<Registration> registration)
    : registration_(std::move(registration)) {}

Interrupt::Listener::~Listener() {
  const std::lock_guard lock(registration_->impl->calling);
  registration_->impl->listeners.erase(registration_->entry);
}

}  // namespace callboard::cli
