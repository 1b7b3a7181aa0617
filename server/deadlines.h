#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/loop.h"
#include "net/timer.h"

namespace callboard::server {

// When to look at which session again: one timer for all of them. A deadline that moves into the future, as those of
// silence do with every frame, costs nothing until the former one comes. Loop thread only.
class Deadlines {
 public:
  // `on_due` looks at the key's time itself and calls watch() again; it may forget() any key.
  Deadlines(net::Loop& loop, std::function<void(std::uint64_t key)> on_due)
      : loop_(loop), timer_(loop, [this] { on_timer(); }), on_due_(std::move(on_due)) {}

  void watch(std::uint64_t key, Instant due) {
    const auto known = by_key_.find(key);
    if (known != by_key_.end()) {
      if (known->second->first <= due) return;
      order_.erase(known->second);
      known->second = order_.emplace(due, key);
    } else {
      by_key_.emplace(key, order_.emplace(due, key));
    }
    set_timer();
  }

  void forget(std::uint64_t key) {
    const auto known = by_key_.find(key);
    if (known == by_key_.end()) return;
    order_.erase(known->second);
    by_key_.erase(known);
    if (order_.empty()) timer_.cancel();
  }

 private:
  using Order = std::multimap<Instant, std::uint64_t>;

  void set_timer() {
    if (order_.empty()) return;
    const Instant first = order_.begin()->first;
    if (timer_.is_set() && set_for_ <= first) return;
    set_for_ = first;
    timer_.set_at(first);
  }

  void on_timer() {
    const Instant now = loop_.now();
    // Only what is due now: a key that on_due watches again for now comes with the next turn.
    std::vector<std::uint64_t> due;
    for (auto at = order_.begin(); at != order_.end() && at->first <= now; ++at) due.push_back(at->second);
    for (const std::uint64_t key : due) {
      if (!by_key_.contains(key)) continue;
      forget(key);
      on_due_(key);
    }
    timer_.cancel();
    if (order_.empty() || order_.begin()->first > loop_.now()) return set_timer();
    // libuv calls a timer that is set for now before it looks at any connection again: so once all of them
    // had their turn.
    loop_.at_end_of_turn([this, weak = std::weak_ptr<bool>(is_alive_)] {
      if (!weak.expired()) set_timer();
    });
  }

  net::Loop& loop_;
  net::Timer timer_;
  Instant set_for_{};
  std::function<void(std::uint64_t)> on_due_;
  Order order_;
  std::unordered_map<std::uint64_t, Order::iterator> by_key_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // For what the loop has still to do.
};

}  // namespace callboard::server
