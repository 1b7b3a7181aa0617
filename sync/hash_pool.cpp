#include "sync/hash_pool.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace callboard::sync {
namespace {

// Enough small files to make handing over cheap, few enough that a wide directory occupies all threads.
constexpr std::size_t kBatchFiles = 64;
// Batches that may wait before the walk stops to help: 16,384 files, about 4 MB.
constexpr std::size_t kBacklogBatches = 256;
constexpr auto kTick = std::chrono::milliseconds(100);
constexpr int kFileFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC;

std::string reason_of(const Error& error) {
  if (error.outcome == Outcome::interrupted) return "keeps changing while it is read";
  return "cannot be read: " + error.text;
}

}  // namespace

HashPool::HashPool(Parts parts) : parts_(std::move(parts)) {}

HashPool::~HashPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool HashPool::is_cancelled() const {
  return parts_.options.cancelled != nullptr && parts_.options.cancelled->load(std::memory_order_relaxed);
}

void HashPool::add(ScanDirectory& directory) {
  const std::size_t count = directory.unknown.size();
  if (count == 0) return;
  directory.batches_left = static_cast<std::uint32_t>((count + kBatchFiles - 1) / kBatchFiles);
  // One of the threads asked for is the owner's own.
  while (threads_.size() + 1 < static_cast<std::size_t>(parts_.options.hash_threads)) {
    threads_.emplace_back([this] { work(); });
  }
  std::size_t backlog = 0;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t first = 0; first < count; first += kBatchFiles) {
      waiting_.push_back({&directory, first, std::min(first + kBatchFiles, count)});
    }
    backlog = waiting_.size();
  }
  changed_.notify_all();
  for (; backlog > kBacklogBatches && help_once(); --backlog) {
  }
}

void HashPool::finish() {
  while (help_once()) {
  }
  std::unique_lock lock(mutex_);
  while (running_ > 0) {
    changed_.wait_for(lock, kTick);
    lock.unlock();
    parts_.on_tick();
    lock.lock();
  }
}

void HashPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const Batch batch = waiting_.front();
    waiting_.pop_front();
    ++running_;
    lock.unlock();
    run(batch, false);
    lock.lock();
    --running_;
    changed_.notify_all();
  }
}

bool HashPool::help_once() {
  Batch batch;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return false;
    batch = waiting_.front();
    waiting_.pop_front();
  }
  run(batch, true);
  parts_.on_tick();
  return true;
}

void HashPool::run(const Batch& batch, bool on_owners_thread) {
  ScanDirectory& directory = *batch.directory;
  const OnRead on_read = [&](std::uint64_t bytes) {
    bytes_hashed_.fetch_add(bytes, std::memory_order_relaxed);
    if (on_owners_thread) parts_.on_tick();
    return !is_cancelled();
  };
  const auto opened = parts_.root.open_directory(directory.path);
  for (std::size_t i = batch.first; i < batch.last && !is_cancelled(); ++i) {
    const std::uint32_t index = directory.unknown[i];
    if (opened) {
      hash_entry(opened->get(), directory, index, on_read);
    } else {
      refuse(directory.entries[index], reason_of(opened.error()));
    }
  }
  if (--directory.batches_left == 0 && !is_cancelled()) parts_.on_hashed(directory);
}

void HashPool::hash_entry(int directory_fd, ScanDirectory& directory, std::uint32_t index,
                          const OnRead& on_read) {
  Entry& entry = directory.entries[index];
  const Fd file(::openat(directory_fd, entry.name.c_str(), kFileFlags));
  if (!file && errno == ENOENT) return entry.name.clear();
  if (!file) return refuse(entry, os_error("cannot be read", errno).text);
  const bool chunked = std::binary_search(directory.to_chunk.begin(), directory.to_chunk.end(), index);
  ChunkList chunks;
  const auto hashed = hash_settled_file(file.get(), on_read, chunked ? &chunks : nullptr);
  if (!hashed) return refuse(entry, reason_of(hashed.error()));
  entry.mode = hashed->status.mode;
  entry.size_bytes = hashed->status.size_bytes;
  entry.mtime_ns = hashed->status.mtime_ns;
  entry.digest = hashed->digest;
  directory.statuses[index] = hashed->status;
  if (chunked && parts_.options.on_chunks) parts_.options.on_chunks(hashed->digest, chunks);
  files_hashed_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace callboard::sync
