#include "sync/direct_block.h"

#include <algorithm>
#include <utility>

namespace callboard::sync {

std::size_t DirectBlock::append(ByteView bytes) {
  const std::size_t taken = std::min(bytes.size(), kCapacity - size_);
  std::copy_n(bytes.begin(), taken, bytes_.get() + size_);
  size_ += taken;
  return taken;
}

DirectBlocks::Pointer DirectBlocks::take() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [&] { return !free_.empty() || made_ < kCount; });
  if (free_.empty()) {
    auto made = std::make_unique<DirectBlock>();
    if (!made->has_memory()) return Pointer();
    made_ += 1;
    return Pointer(made.release(), GiveBack(this));
  }
  Pointer block(free_.back().release(), GiveBack(this));
  free_.pop_back();
  return block;
}

void DirectBlocks::give_back(DirectBlock* block) {
  block->clear();
  const std::lock_guard lock(mutex_);
  free_.emplace_back(block);
  returned_.notify_one();
}

}  // namespace callboard::sync
