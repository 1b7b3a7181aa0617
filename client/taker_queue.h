#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace callboard::client {

// Hands things from threads to a thread; a full queue makes the giving side wait. Thread: any.
template <class T>
class TakerQueue {
 public:
  explicit TakerQueue(std::size_t capacity) : capacity_(capacity) {}

  // Waits for room. What comes after close() is dropped.
  void push(T item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return items_.size() < capacity_ || closed_; });
    if (closed_) return;
    items_.push_back(std::move(item));
    if (waiting_) arrived_.notify_one();
  }

  // Waits at most `limit`; nullopt when nothing came, or when it is closed and empty.
  std::optional<T> pop(Duration limit = 24h) {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    arrived_.wait_for(lock, limit, [&] { return !items_.empty() || closed_; });
    waiting_ = false;
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    // Waking the giving side for every single place would cost a context switch each.
    if (items_.size() == capacity_ / 2 || items_.empty()) room_.notify_all();
    return item;
  }

  // pop() still yields what is in it.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    arrived_.notify_all();
    room_.notify_all();
  }

  bool is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable room_;
  std::deque<T> items_;
  bool waiting_ = false;  // The one taking thread.
  bool closed_ = false;
};

}  // namespace callboard::client
