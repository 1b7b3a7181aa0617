#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace callboard::client {

// Hands things from threads to a thread; a full queue makes the giving side wait. The taking thread sleeps until
// `wake_at` things wait, or wake() is called: woken for each, it would switch contexts as often as it works. It takes all
// that is there at once. Thread: any, pop() one.
template <class T>
class TakerQueue {
 public:
  // `wake_at` is at most `capacity`.
  TakerQueue(std::size_t capacity, std::size_t wake_at) : capacity_(capacity), wake_at_(wake_at) {}

  // Waits for room. What comes after close() is dropped.
  void push(T item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return items_.size() < capacity_ || closed_; });
    if (closed_) return;
    items_.push_back(std::move(item));
    if (waiting_ && items_.size() >= wake_at_) arrived_.notify_one();
  }

  // Nothing may follow soon: what is there is taken.
  void wake() {
    const std::lock_guard lock(mutex_);
    woken_ = !items_.empty();
    if (woken_ && waiting_) arrived_.notify_one();
  }

  // Waits at most `limit` for wake_at or wake(), then takes what there is; nullopt when there is nothing, or when it is
  // closed and empty.
  std::optional<T> pop(Duration limit = 24h) {
    if (taken_.empty()) take(limit);
    if (taken_.empty()) return std::nullopt;
    T item = std::move(taken_.front());
    taken_.pop_front();
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
  void take(Duration limit) {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    arrived_.wait_for(lock, limit, [&] { return items_.size() >= wake_at_ || woken_ || closed_; });
    waiting_ = false;
    woken_ = false;
    taken_.swap(items_);
    room_.notify_all();
  }

  const std::size_t capacity_;
  const std::size_t wake_at_;
  std::deque<T> taken_;  // The taking thread's own.
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable room_;
  std::deque<T> items_;
  bool waiting_ = false;  // The one taking thread.
  bool woken_ = false;
  bool closed_ = false;
};

}  // namespace callboard::client
