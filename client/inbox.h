#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "net/loop.h"

namespace callboard::client {

// How other threads put tasks before the client's thread. Every task is either run there or told that it will not be:
// nothing is dropped in silence when the client stops. post() from any thread; close() on the loop's thread, at its end.
class Inbox {
 public:
  explicit Inbox(net::Loop& loop) : loop_(loop) {}

  // `refuse` is called, on this thread or the client's, when the client stops before `run` had its turn.
  void post(
      std::function<void()> run, std::function<void()> refuse = [] {}) {
    {
      const std::lock_guard lock(mutex_);
      if (!is_closed_) {
        tasks_.push_back({std::move(run), std::move(refuse)});
        if (tasks_.size() == 1) loop_.post([this] { drain(); });
        return;
      }
    }
    refuse();
  }

  void close() {
    std::deque<Task> left;
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
      left.swap(tasks_);
    }
    for (const Task& each : left) each.refuse();
  }

 private:
  struct Task {
    std::function<void()> run;
    std::function<void()> refuse;
  };

  void drain() {
    std::deque<Task> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (const Task& each : tasks) each.run();
  }

  net::Loop& loop_;
  std::mutex mutex_;
  bool is_closed_ = false;
  std::deque<Task> tasks_;
};

}  // namespace callboard::client
