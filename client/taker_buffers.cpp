#include "client/taker_buffers.h"

#include <utility>

namespace callboard::client {

std::shared_ptr<TakerBuffer> TakerBuffers::take() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [&] { return !free_.empty() || made_ < kCount || closed_; });
  if (closed_) return nullptr;
  std::unique_ptr<TakerBuffer> buffer;
  if (free_.empty()) {
    buffer = std::make_unique<TakerBuffer>();
    made_ += 1;
  } else {
    buffer = std::move(free_.back());
    free_.pop_back();
  }
  return {buffer.release(), [this](TakerBuffer* done) { give_back(std::unique_ptr<TakerBuffer>(done)); }};
}

void TakerBuffers::give_back(std::unique_ptr<TakerBuffer> buffer) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(buffer));
  returned_.notify_one();
}

void TakerBuffers::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  returned_.notify_all();
}

}  // namespace callboard::client
