#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "sync/hash.h"
#include "sync/root.h"
#include "sync/scan.h"
#include "sync/scan_directory.h"

namespace callboard::sync {

// Hashes the unknown files of directories, a batch at a time, on threads of its own and on the one that adds them: add()
// lends a hand when the backlog is long, so the walk never runs far ahead. Threads start with the first batch.
// Owned by one scan; add(), finish() and the destructor on its thread.
class HashPool {
 public:
  // `on_hashed` is called when a directory's last batch is done, on whichever thread did it; `on_tick` now and then on
  // the owner's thread alone.
  struct Parts {
    const Root& root;
    const ScanOptions& options;
    std::function<void(ScanDirectory&)> on_hashed;
    std::function<void()> on_tick;
  };
  explicit HashPool(Parts parts);
  HashPool(const HashPool&) = delete;
  HashPool& operator=(const HashPool&) = delete;
  ~HashPool();

  // Hashes directory.unknown; touches nothing else of it but those entries and statuses.
  void add(ScanDirectory& directory);
  // Returns when everything added is done, or soon after cancelling.
  void finish();

  std::uint64_t files_hashed() const { return files_hashed_.load(std::memory_order_relaxed); }
  std::uint64_t bytes_hashed() const { return bytes_hashed_.load(std::memory_order_relaxed); }

 private:
  struct Batch {
    ScanDirectory* directory = nullptr;
    std::size_t first = 0;
    std::size_t last = 0;  // Exclusive; both in directory->unknown.
  };

  bool is_cancelled() const;
  void work();
  bool help_once();
  void run(const Batch& batch, bool on_owners_thread);
  void hash_entry(int directory_fd, ScanDirectory& directory, std::uint32_t index, const OnRead& on_read);

  Parts parts_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;  // A batch came, was done, or closing_ was set.
  std::deque<Batch> waiting_;
  std::size_t running_ = 0;
  bool closing_ = false;
  std::atomic<std::uint64_t> files_hashed_{0};
  std::atomic<std::uint64_t> bytes_hashed_{0};
};

}  // namespace callboard::sync
