#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sync/scan_directory.h"

namespace callboard::sync {

// Walks directories on the thread that scans and, when many wait, on others beside it. Owned by one scan; run() and the
// destructor on its thread, add() while one of its directories is walked.
class WalkPool {
 public:
  struct Parts {
    int threads = 1;  // With the owner's own.
    std::function<Result<void>(ScanDirectory&)>
        walk;  // On any thread, several at a time. An error ends it all.
    std::function<void(ScanDirectory&)> on_unknown;  // Of a walked one with unknown files. Owner's thread.
    std::function<void()> on_tick;                   // Now and then. Owner's thread.
    std::function<bool()> is_cancelled;
  };
  explicit WalkPool(Parts parts) : parts_(std::move(parts)) {}
  WalkPool(const WalkPool&) = delete;
  WalkPool& operator=(const WalkPool&) = delete;
  ~WalkPool();

  void add(ScanDirectory& directory);
  // Until everything added is walked, or soon after cancelling; the first error otherwise.
  Result<void> run();

 private:
  void help();
  bool may_help() const;
  void walk_one(std::unique_lock<std::mutex>& lock);
  void tell_unknown(std::unique_lock<std::mutex>& lock);
  void start_helpers();
  bool is_over() const { return error_ || (waiting_.empty() && walking_ == 0); }

  Parts parts_;
  std::vector<std::thread> helpers_;
  std::mutex mutex_;
  std::condition_variable changed_;  // A directory came or was walked, or the end came.
  std::vector<ScanDirectory*> waiting_;
  std::vector<ScanDirectory*> unknown_;  // Walked, and not told of.
  std::size_t walking_ = 0;
  std::optional<Error> error_;
};

}  // namespace callboard::sync
