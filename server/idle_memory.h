#pragma once

#include <cstddef>

#include "net/loop.h"
#include "net/timer.h"
#include "net/work_queue.h"

namespace callboard::server {

// Gives memory back to the system once it is calm after many came or went: whoever comes is told of everybody, and everybody
// of it; for a thousand at once that is some MiB, in pieces between what stays. Loop thread only.
class IdleMemory {
 public:
  // `work` does it, and must outlive this object.
  IdleMemory(net::Loop& loop, net::WorkQueue& work);

  void on_coming_or_going();
  // At once, whether it is calm or not.
  void give_back();
  // Nothing is given back any more.
  void stop();

 private:
  void on_timer();

  net::WorkQueue& work_;
  net::Timer timer_;
  std::size_t comings_and_goings_ = 0;  // Since it was last looked at.
  bool is_stopped_ = false;
};

}  // namespace callboard::server
