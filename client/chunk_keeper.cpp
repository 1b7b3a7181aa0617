#include "client/chunk_keeper.h"

#include <array>
#include <system_error>
#ifdef __linux__
#include <sys/resource.h>
#endif

#include "base/limits.h"
#include "client/read_at.h"
#include "sync/chunk_list.h"
#include "sync/hash.h"

namespace callboard::client {
namespace {

// On Linux this is the calling thread's alone.
void give_way_to_others() {
#ifdef __linux__
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, 19));
#endif
}

}  // namespace

ChunkKeeper::~ChunkKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ChunkKeeper::add(const sync::RelativePath& path, const Entry& entry) {
  if (entry.kind != EntryKind::file || entry.size_bytes < sync::kDeltaFileMin ||
      entry.size_bytes > sync::kDeltaFileMax || sync::has_compressed_name(path.name()))
    return;
  const std::lock_guard lock(mutex_);
  if (stopping_ || waiting_.size() >= kWaitingMax) return;
  try {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return;  // The first change costs more, then.
  }
  waiting_.push_back({path, entry.digest, entry.size_bytes});
  changed_.notify_all();
}

void ChunkKeeper::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || (waiting_.empty() && !is_working_); });
}

void ChunkKeeper::run() {
  give_way_to_others();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Waiting file = std::move(waiting_.front());
    waiting_.pop_front();
    is_working_ = true;
    lock.unlock();
    make_list(file);
    lock.lock();
    is_working_ = false;
    changed_.notify_all();
  }
}

void ChunkKeeper::make_list(const Waiting& file) {
  if (sync::kept_chunks(index_, file.digest, file.size_bytes)) return;
  const Result<Fd> opened = root_.open_file(file.path);
  if (!opened) return;
  std::array<std::byte, 16> begin{};
  if (sync::has_compressed_magic(ByteView(begin).first(read_at(opened->get(), begin, 0)))) return;
  sync::ChunkList chunks;
  const auto goes_on = [this](std::uint64_t) { return !stopping_; };
  const Result<sync::HashedFile> hashed = sync::hash_file(opened->get(), goes_on, &chunks);
  if (hashed && hashed->digest == file.digest) sync::keep_chunks(index_, file.digest, chunks);
}

}  // namespace callboard::client
