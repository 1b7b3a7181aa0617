#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"

namespace callboard::client {

// What a connection's bytes are received into: frames are used where they lie, by as many threads as hold the buffer.
class TakerBuffer {
 public:
  // A whole frame with its length, wherever the one before ended.
  static constexpr std::size_t kCapacity = kBulkFrameMax + 64;

  TakerBuffer() : bytes_(new std::byte[kCapacity]) {}
  std::byte* data() { return bytes_.get(); }

 private:
  std::unique_ptr<std::byte[]> bytes_;
};

// A fixed number of them. A buffer comes back when its last holder lets go. Must outlive its buffers. Thread: any.
class TakerBuffers {
 public:
  static constexpr std::size_t kCount = 8;

  // Waits until there is one; nullptr after close().
  std::shared_ptr<TakerBuffer> take();
  void close();

 private:
  void give_back(std::unique_ptr<TakerBuffer> buffer);

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<TakerBuffer>> free_;
  std::size_t made_ = 0;
  bool closed_ = false;
};

}  // namespace callboard::client
