#include "client/taker_counters.h"

#include <algorithm>

namespace callboard::client {

void TakerCounters::set_announced(std::uint64_t files, std::uint64_t bytes) {
  files_announced_ = files;
  bytes_announced_ = bytes;
}

void TakerCounters::count_wanted(std::uint64_t size_bytes, std::uint64_t files) {
  files_wanted_.fetch_add(files, std::memory_order_relaxed);
  bytes_wanted_.fetch_add(size_bytes, std::memory_order_relaxed);
}

void TakerCounters::uncount_wanted(std::uint64_t size_bytes, std::uint64_t files) {
  files_wanted_.fetch_sub(files, std::memory_order_relaxed);
  bytes_wanted_.fetch_sub(size_bytes, std::memory_order_relaxed);
}

void TakerCounters::on_reused(std::uint64_t size_bytes, std::uint64_t files) {
  files_reused_.fetch_add(files, std::memory_order_relaxed);
  bytes_reused_.fetch_add(size_bytes, std::memory_order_relaxed);
}

PullProgress TakerCounters::counted() const {
  PullProgress progress;
  progress.listed = listed_;
  progress.files_wanted = files_wanted_;
  progress.bytes_wanted = bytes_wanted_;
  progress.files_reused = files_reused_;
  progress.bytes_reused = bytes_reused_;
  progress.files_done = files_done_;
  // Content that came in vain is counted, too.
  progress.bytes_done = std::min(bytes_done_.load(), progress.bytes_wanted);
  progress.files_total = progress.files_wanted;
  progress.bytes_total = progress.bytes_wanted;
  if (!progress.listed) {
    progress.files_total = std::max(progress.files_total, files_announced_.load());
    progress.bytes_total = std::max(progress.bytes_total, bytes_announced_.load());
  }
  return progress;
}

}  // namespace callboard::client
