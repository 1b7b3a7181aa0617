#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

namespace callboard::client {

// What a call will answer: wait for it with get(), or be told with then(). Copies share the one answer, which always
// comes: a call whose connection is lost answers Outcome::interrupted. Thread: any. Never call get() from a callback
// of the client (it runs on the client's own thread, which brings the answer).
template <class T>
class Answer {
 public:
  Answer() : state_(std::make_shared<State>()) {}

  // Waits as long as it takes; every ask is answered within kAskLimit, a pull when it is over.
  Result<T> get() const {
    std::unique_lock lock(state_->mutex);
    state_->arrived.wait(lock, [&] { return state_->result.has_value(); });
    return *state_->result;
  }

  // True when the answer is there before `limit` has passed.
  bool wait_for(Duration limit) const {
    std::unique_lock lock(state_->mutex);
    return state_->arrived.wait_for(lock, limit, [&] { return state_->result.has_value(); });
  }

  // Calls `listener` once with the answer: on the client's thread, or at once when the answer is there already.
  void then(std::function<void(const Result<T>&)> listener) const {
    std::unique_lock lock(state_->mutex);
    if (!state_->result) {
      state_->listener = std::move(listener);
      return;
    }
    lock.unlock();
    listener(*state_->result);
  }

  // For the client: the first call counts and returns true, later ones are ignored.
  bool set(Result<T> result) const {
    std::function<void(const Result<T>&)> listener;
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->result) return false;
      state_->result = std::move(result);
      listener = std::move(state_->listener);
    }
    state_->arrived.notify_all();
    if (listener) listener(*state_->result);
    return true;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable arrived;
    std::optional<Result<T>> result;
    std::function<void(const Result<T>&)> listener;
  };
  std::shared_ptr<State> state_;
};

}  // namespace callboard::client
