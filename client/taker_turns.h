#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace callboard::client {

// Two threads take turns at one stream: while one writes what it received, the other receives what follows. Each byte stays
// in the cache of one core, the stream is received by one at a time, and is written in the order it was received in. Whoever
// is done with writing first goes on to receive, so a thread that gets no core holds nobody up. Thread: any.
class TakerTurns {
 public:
  // The turn to receive, waited for, and ended by letting go of what is returned.
  [[nodiscard]] std::unique_lock<std::mutex> receive() { return std::unique_lock(receiving_); }

  // The place to write what was received in this turn; called before it ends, and written by write() in any case.
  std::uint64_t take_place() { return next_place_++; }
  // Runs `work` when all places before `place` are written.
  template <class Work>
  void write(std::uint64_t place, const Work& work) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return writing_place_ == place; });
    }
    work();
    {
      const std::lock_guard lock(mutex_);
      writing_place_ += 1;
    }
    changed_.notify_all();
  }

 private:
  std::mutex receiving_;
  std::uint64_t next_place_ = 0;  // Whose turn to receive it is.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t writing_place_ = 0;
};

}  // namespace callboard::client
