#pragma once

#include <atomic>
#include <cstdint>

#include "client/pull_progress.h"

namespace callboard::client {

// How far a pull is, in files and bytes. Thread: any.
class TakerCounters {
 public:
  // What all items that differ have below them.
  void set_announced(std::uint64_t files, std::uint64_t bytes);
  void set_listed() { listed_ = true; }
  void count_wanted(std::uint64_t size_bytes, std::uint64_t files = 1);
  void uncount_wanted(std::uint64_t size_bytes, std::uint64_t files = 1);
  void on_content(std::uint64_t size_bytes) { bytes_done_.fetch_add(size_bytes, std::memory_order_relaxed); }
  void on_staged(std::uint64_t files = 1) { files_done_.fetch_add(files, std::memory_order_relaxed); }
  // In place of on_staged() and on_content(), for what did not travel.
  void on_reused(std::uint64_t size_bytes, std::uint64_t files = 1);

 protected:
  // But for what only the pull itself knows: PullProgress::paused, current and bytes_per_second.
  PullProgress counted() const;

 private:
  std::atomic<bool> listed_{false};
  std::atomic<std::uint64_t> files_announced_{0};
  std::atomic<std::uint64_t> bytes_announced_{0};
  std::atomic<std::uint64_t> files_wanted_{0};
  std::atomic<std::uint64_t> bytes_wanted_{0};
  std::atomic<std::uint64_t> files_done_{0};
  std::atomic<std::uint64_t> bytes_done_{0};
  std::atomic<std::uint64_t> files_reused_{0};
  std::atomic<std::uint64_t> bytes_reused_{0};
};

}  // namespace callboard::client
