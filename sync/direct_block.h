#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"

namespace callboard::sync {

// Gathers bytes in memory that may be written past the page cache. Thread: one at a time.
class DirectBlock {
 public:
  // Below 1 MiB a call, writing past the cache is slower than through it.
  static constexpr std::size_t kCapacity = 4 * MiB;
  // Of address, offset in the file and size: what every disk we know asks for.
  static constexpr std::size_t kAlignment = 4 * KiB;
  static_assert(kCapacity % kAlignment == 0);

  DirectBlock() : bytes_(static_cast<std::byte*>(std::aligned_alloc(kAlignment, kCapacity))) {}

  bool has_memory() const { return bytes_ != nullptr; }
  // Takes as much as there is room for; says how much.
  std::size_t append(ByteView bytes);
  bool is_full() const { return size_ == kCapacity; }
  // What was appended, without and with what lies behind its last multiple of kAlignment.
  ByteView aligned() const { return {bytes_.get(), size_ - size_ % kAlignment}; }
  ByteView all() const { return {bytes_.get(), size_}; }
  void clear() { size_ = 0; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::byte[], Free> bytes_;
  std::size_t size_ = 0;
};

// A few blocks that are used again and again: touching fresh memory for each would take as long as writing it. Must
// outlive its blocks. Thread: any.
class DirectBlocks {
 public:
  // One that is filled, two that are written, one to go on with.
  static constexpr std::size_t kCount = 4;

  class GiveBack {
   public:
    explicit GiveBack(DirectBlocks* owner = nullptr) : owner_(owner) {}
    void operator()(DirectBlock* block) const { owner_->give_back(block); }

   private:
    DirectBlocks* owner_;
  };
  using Pointer = std::unique_ptr<DirectBlock, GiveBack>;

  // Empty; waits until there is one. nullptr without memory.
  Pointer take();

 private:
  void give_back(DirectBlock* block);

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<DirectBlock>> free_;
  std::size_t made_ = 0;
};

}  // namespace callboard::sync
