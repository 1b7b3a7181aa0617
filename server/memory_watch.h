#pragma once

#include <functional>

#include "base/error.h"
#include "net/alarm.h"
#include "net/loop.h"
#include "net/timer.h"
#include "server/event_log.h"
#include "server/memory_reserve.h"

namespace callboard::server {

// What a server does when its process gets no more memory: it goes on with its reserve, lets nobody more in, ends those who keep
// most of it while that is not enough, and lets people in again once the reserve is taken back. Loop thread only.
class MemoryWatch {
 public:
  struct Outside {
    // Nobody more is let in, for this reason, or people are again (null); those who are in are told.
    std::function<void(const Error* why)> shut;
    // Ends the session that keeps the most of what it has to read or is saying, if any keeps much.
    std::function<void()> end_largest;
  };
  MemoryWatch(net::Loop& loop, EventLog& events, Outside outside);

 private:
  void on_given();
  void on_retry();

  EventLog& events_;
  Outside outside_;
  bool is_short_ = false;
  net::Timer retry_;
  net::Alarm alarm_;
  MemoryReserve reserve_;  // Last: it raises the alarm.
};

}  // namespace callboard::server
