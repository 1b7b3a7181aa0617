#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>

#include "base/entry.h"
#include "sync/index.h"
#include "sync/relative_path.h"
#include "sync/root.h"

namespace callboard::client {

// Makes the lists of chunks of large files that came whole, so that the first change to one finds the list of what is here.
// Cutting takes as much CPU as writing (0.4 s for 1 GiB), so it is done afterwards, on a thread of its own, which the system runs
// when nobody else wants a core. What cannot be read, is another content by now or has a list is left out. Thread: any, but
// for the destructor, which stops in the middle of a file. The root and the index must outlive it.
class ChunkKeeper {
 public:
  ChunkKeeper(const sync::Root& root, sync::Index& index) : root_(root), index_(index) {}
  ~ChunkKeeper();
  ChunkKeeper(const ChunkKeeper&) = delete;
  ChunkKeeper& operator=(const ChunkKeeper&) = delete;

  // The file at `path` has the content that `entry` tells of. Beyond kWaitingMax files are forgotten.
  void add(const sync::RelativePath& path, const Entry& entry);
  // Until nothing is left to do.
  void wait();

 private:
  static constexpr std::size_t kWaitingMax = 4'096;
  struct Waiting {
    sync::RelativePath path;
    Digest digest;
    std::uint64_t size_bytes = 0;
  };

  void run();
  void make_list(const Waiting& file);

  const sync::Root& root_;
  sync::Index& index_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // Guards all below.
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  bool is_working_ = false;
  std::thread thread_;  // From the first file on.
};

}  // namespace callboard::client
