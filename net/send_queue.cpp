#include "net/send_queue.h"

#include <utility>

namespace callboard::net {
namespace {

// Up to this size a copy is cheaper than a part of its own in a system call.
constexpr std::size_t kCopiedMax = 1024;

}  // namespace

// The first small one is mostly all there is: it stays as it is until another follows.
void SendQueue::push(SharedBytes bytes) {
  size_bytes_ += bytes.view.size();
  const auto is_small = [](const SharedBytes& part) { return part.view.size() <= kCopiedMax; };
  const bool is_behind_small = !parts_.empty() && (gathered_ != nullptr || is_small(parts_.back()));
  if (is_behind_small && is_small(bytes)) return gather(bytes.view);
  gathered_.reset();
  parts_.push_back(std::move(bytes));
}

void SendQueue::gather(ByteView bytes) {
  if (gathered_ == nullptr) {
    const SharedBytes first = std::move(parts_.back());
    gathered_ = std::make_shared<Bytes>();
    gathered_->reserve(kCopiedMax);  // Some answers.
    gathered_->assign(first.view.begin(), first.view.end());
    parts_.back() = SharedBytes(std::shared_ptr<const Bytes>(gathered_));
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
