#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "net/turn_sender.h"

struct uv_loop_s;

namespace callboard::net {

// One event loop, driven by the thread that calls run(): the loop thread. Every other class of net/ belongs to one Loop
// and is used on its thread only, unless its header says otherwise; it may be destroyed at any time, inside its own
// callbacks and after the Loop too.
// SIGPIPE is kept from the thread while it runs. Callbacks must not throw: an exception ends the program.
class Loop {
 public:
  using Task = std::function<void()>;

  Loop();
  // Closes whatever is still open without calling anybody, and drops tasks that were not run.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Returns when nothing is left that could happen (no open handle, no hold, no posted task), or after stop().
  void run();
  // Turns until `condition` holds (checked before each turn, and before it waits in one) and says whether it did; gives up
  // after `limit`, or when nothing is left that could happen.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  // Any thread. Makes run() or run_until() return after the present turn; remembered when neither is running.
  void stop();

  // Any thread, as long as the Loop lives. Tasks run on the loop thread in the order they were posted, never inside
  // post(). A posted task keeps run() from returning, except when it is posted after run() saw that nothing is left;
  // then it waits for the next run().
  void post(Task task);

  // Runs `task` once, at the end of the present turn: after the events that are being handled now and before the loop
  // waits again.
  void at_end_of_turn(Task task);

  // What that has to send goes out together with what all others have: at the end of the present turn, behind its tasks, or
  // when many are there (TurnSender).
  void send_at_end_of_turn(std::shared_ptr<TurnSender::Side> side);

  // Takes over an object that is done, perhaps while one of its methods runs, and deletes it at the end of the turn.
  template <class T>
  void retire(std::unique_ptr<T> object) {
    retire_any(std::shared_ptr<void>(std::move(object)));
  }

  // Which turn this is, and the bytes that connections have read in it, `more` included.
  std::uint64_t turn() const;
  std::uint64_t add_read_bytes(std::uint64_t more);

  // While more hold() than release() were called, run() does not return for lack of work.
  void hold();
  void release();

  // True on the thread that is inside run() or run_until().
  bool is_loop_thread() const;
  Instant now() const { return system_clock().monotonic(); }
  uv_loop_s* native();

 private:
  struct Impl;

  void retire_any(std::shared_ptr<void> object);

  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::net
