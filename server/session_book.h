#pragma once

#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/work_queue.h"
#include "server/event_log.h"

namespace callboard::server {

// Has what is to outlive the process written down soon after it changed: one writing at a time, on a thread of its own, and
// what changes meanwhile with the next, which leaves the thread free for ten times as long as the last took, or 20 ms. One that fails is logged once until one succeeds, and tried again at the next
// change. Loop thread only.
class SessionBook {
 public:
  struct Outside {
    std::function<Bytes()> content;               // As it is now. Loop thread.
    std::function<Result<void>(ByteView)> write;  // Null: nothing is kept. Worker thread.
  };

  SessionBook(net::Loop& loop, EventLog& events, Outside outside);

  // Something changed that is to be written within that time, or as soon as it is this book's turn.
  void on_change(Duration within);
  // `then` once what there is at this moment was written, or could not be.
  void on_written_now(std::function<void()> then);
  // Once, last: `done` when what there is at this moment is written.
  void finish(std::function<void()> done);

 private:
  void write();
  void on_written(const Result<void>& written, Duration took);

  net::Loop& loop_;
  EventLog& events_;
  Outside outside_;
  net::Timer timer_;
  Instant due_{};
  Instant free_from_{};                           // No writing begins before, but the last.
  std::vector<std::function<void()>> waiting_;    // For the next writing,
  std::vector<std::function<void()>> under_way_;  // and for the one under way.
  bool is_writing_ = false;
  bool is_changed_ = false;  // Since the writing that is under way began.
  bool is_failing_ = false;
  bool is_last_ = false;  // finish() was called …
  Bytes last_;            // … and wants this written.
  std::function<void()> done_;
  net::WorkQueue work_;  // Last: its jobs use the others.
};

}  // namespace callboard::server
