#include "sync/walk_pool.h"

#include <chrono>
#include <system_error>

namespace callboard::sync {
namespace {

// Fewer are walked before another thread has begun.
constexpr std::size_t kHelpedDirectories = 4;
// How far the walk runs ahead of those who hash what it finds: directories, in the owner's hands.
constexpr std::size_t kUnknownMax = 16;
constexpr auto kTick = std::chrono::milliseconds(100);

}  // namespace

WalkPool::~WalkPool() {
  {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = Error{Outcome::cancelled, "cancelled"};
  }
  changed_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void WalkPool::add(ScanDirectory& directory) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(&directory);
  if (!helpers_.empty()) changed_.notify_one();
}

Result<void> WalkPool::run() {
  std::unique_lock lock(mutex_);
  while (!is_over() || !unknown_.empty()) {
    if (parts_.is_cancelled()) error_ = Error{Outcome::cancelled, "cancelled"};
    if (error_) break;
    if (!unknown_.empty()) {
      tell_unknown(lock);
    } else if (!waiting_.empty()) {
      start_helpers();
      walk_one(lock);
    } else {
      changed_.wait_for(lock, kTick);
    }
    lock.unlock();
    parts_.on_tick();
    lock.lock();
  }
  changed_.notify_all();
  changed_.wait(lock, [this] { return walking_ == 0; });
  if (error_) return *error_;
  return {};
}

void WalkPool::tell_unknown(std::unique_lock<std::mutex>& lock) {
  std::vector<ScanDirectory*> told;
  told.swap(unknown_);
  changed_.notify_all();
  lock.unlock();
  for (ScanDirectory* directory : told) parts_.on_unknown(*directory);
  lock.lock();
}

void WalkPool::walk_one(std::unique_lock<std::mutex>& lock) {
  ScanDirectory& directory = *waiting_.back();
  waiting_.pop_back();
  walking_ += 1;
  lock.unlock();
  Result<void> walked = parts_.walk(directory);
  lock.lock();
  walking_ -= 1;
  if (!walked && !error_) error_ = walked.error();
  if (walked && !directory.unknown.empty()) unknown_.push_back(&directory);
  if (!helpers_.empty()) changed_.notify_all();
}

// Without a thread to be had it goes on alone.
void WalkPool::start_helpers() {
  if (waiting_.size() < kHelpedDirectories) return;
  try {
    while (helpers_.size() + 1 < static_cast<std::size_t>(parts_.threads))
      helpers_.emplace_back([this] { help(); });
  } catch (const std::system_error&) {
    parts_.threads = 1;
  }
}

bool WalkPool::may_help() const { return !waiting_.empty() && unknown_.size() < kUnknownMax; }

void WalkPool::help() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_over() || may_help(); });
    if (is_over()) return;
    walk_one(lock);
  }
}

}  // namespace callboard::sync
