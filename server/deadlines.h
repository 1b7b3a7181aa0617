#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/loop.h"
#include "net/timer.h"

namespace callboard::server {

// When to look at which session, or call, again: one timer for all of them. A deadline that moves into the future, as those of
// silence do with every frame, costs nothing until the former one comes. Ten thousand of them are looked at in few moments
// (kDeadlineGrain), so they are kept by moment: to find a place among them touches nothing of the others. Loop thread only.
class Deadlines {
 public:
  // What is kept with the key; a new one waits for nothing.
  class Watch {
   public:
    // Whether it waits for this moment. If so, it waits from then on for what it waited for before that came in between.
    bool take(Instant at) {
      if (due_ != at) return false;
      due_ = std::exchange(later_, Instant::max());
      return true;
    }

   private:
    friend class Deadlines;
    Instant due_ = Instant::max();
    Instant later_ = Instant::max();
  };

  // `on_due` finds the key's Watch, which may be gone or wait for another moment by now: take(at) tells. If not, it looks
  // at the key's time itself and calls watch() again.
  Deadlines(net::Loop& loop, std::function<void(std::uint64_t key, Instant at)> on_due)
      : loop_(loop), timer_(loop, [this] { on_timer(); }), on_due_(std::move(on_due)) {}

  void watch(std::uint64_t key, Watch& watch, Instant due) {
    if (watch.due_ <= due || watch.due_ <= taken_until_) return;  // It is looked at first anyway.
    drop(key, watch.later_);
    watch.later_ = std::exchange(watch.due_, due);
    moments_[due].push_back(key);
    set_timer();
  }

  void forget(std::uint64_t key, Watch& watch) {
    drop(key, watch.due_);
    drop(key, watch.later_);
    watch = {};
    if (moments_.empty()) timer_.cancel();
  }

 private:
  void drop(std::uint64_t key, Instant at) {
    const auto moment = moments_.find(at);
    if (moment == moments_.end()) return;
    std::erase(moment->second, key);
    if (moment->second.empty()) moments_.erase(moment);
  }

  void set_timer() {
    if (moments_.empty()) return;
    const Instant first = moments_.begin()->first;
    if (timer_.is_set() && set_for_ <= first) return;
    set_for_ = first;
    timer_.set_at(first);
  }

  void on_timer() {
    // Only what is due now: a key that on_due watches again for now comes with the next turn.
    decltype(moments_) due;
    while (!moments_.empty() && moments_.begin()->first <= loop_.now())
      due.insert(moments_.extract(moments_.begin()));
    if (!due.empty()) taken_until_ = due.rbegin()->first;
    for (const auto& [at, keys] : due) {
      for (const std::uint64_t key : keys) on_due_(key, at);
    }
    timer_.cancel();
    if (moments_.empty() || moments_.begin()->first > loop_.now()) return set_timer();
    // libuv calls a timer that is set for now before it looks at any connection again: so once all of them
    // had their turn.
    loop_.at_end_of_turn([this, weak = std::weak_ptr<bool>(is_alive_)] {
      if (!weak.expired()) set_timer();
    });
  }

  net::Loop& loop_;
  net::Timer timer_;
  Instant set_for_{};
  std::function<void(std::uint64_t, Instant)> on_due_;
  std::map<Instant, std::vector<std::uint64_t>> moments_;
  Instant taken_until_ = Instant::min();  // The last moment that was looked at, or is now.
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // For what the loop has still to do.
};

}  // namespace callboard::server
