#include "net/send_queue.h"

#include <utility>

namespace callboard::net {
namespace {

// Up to this size a copy is cheaper than a part of its own in a system call.
constexpr std::size_t kCopiedMax = 1024;

}  // namespace

void SendQueue::push(SharedBytes bytes) {
  size_bytes_ += bytes.view.size();
  if (bytes.view.size() <= kCopiedMax) return gather(bytes.view);
  gathered_.reset();
  parts_.push_back(std::move(bytes));
}

void SendQueue::gather(ByteView bytes) {
  if (gathered_ == nullptr) {
    gathered_ = std::make_shared<Bytes>();
    gathered_->reserve(kCopiedMax / 2);  // A tell, or some answers.
    parts_.emplace_back(std::shared_ptr<const Bytes>(gathered_));
  }
  gathered_->insert(gathered_->end(), bytes.begin(), bytes.end());
  parts_.back().view = *gathered_;
}

void SendQueue::drop(std::size_t size_bytes) {
  size_bytes_ -= size_bytes;
  gathered_.reset();
  auto whole = parts_.begin();
  while (whole != parts_.end() && whole->view.size() <= size_bytes) {
    size_bytes -= whole->view.size();
    ++whole;
  }
  if (whole != parts_.end()) whole->view = whole->view.subspan(size_bytes);
  parts_.erase(parts_.begin(), whole);
  if (parts_.empty()) parts_ = std::vector<SharedBytes>();
}

std::vector<SharedBytes> SendQueue::take() {
  gathered_.reset();
  size_bytes_ = 0;
  return std::exchange(parts_, {});
}

}  // namespace callboard::net
