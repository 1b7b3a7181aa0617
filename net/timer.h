#pragma once

#include <functional>
#include <memory>

#include "net/loop.h"

namespace callboard::net {

// Calls back once, at the given time, rounded up to a whole millisecond. Setting it again replaces the former time; it
// may be set again inside the callback. A set timer keeps the loop running.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_due);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // A time that has passed is due in the next turn.
  void set_at(Instant due);
  void set_after(Duration delay);
  void cancel();
  bool is_set() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace callboard::net
