#include "net/send_queue.h"

#include <utility>

namespace callboard::net {
namespace {

// Up to this size a copy is cheaper than a part of its own in a system call.
constexpr std::size_t kCopiedMax = 1024;
// What more at a time take is not kept.
constexpr std::size_t kPartsKept = 16;

}  // namespace

// The first small one is mostly all there is: it stays as it is until another follows.
void SendQueue::push(SharedBytes bytes) {
  if (room_ == nullptr) room_ = take_reused<Room>();
  size_bytes_ += bytes.view.size();
  const auto is_small = [](const SharedBytes& part) { return part.view.size() <= kCopiedMax; };
  const bool is_behind_small =
      !room_->parts.empty() && (room_->is_gathering || is_small(room_->parts.back()));
  if (is_behind_small && is_small(bytes)) return gather(bytes.view);
  room_->is_gathering = false;
  room_->parts.push_back(std::move(bytes));
}

void SendQueue::gather(ByteView bytes) {
  SharedBytes& last = room_->parts.back();
  if (!room_->is_gathering) {
    // An earlier part, or one that was taken, may still be there.
    if (room_->gathered == nullptr || room_->gathered.use_count() > 1) {
      room_->gathered = std::make_shared<Bytes>();
      room_->gathered->reserve(kCopiedMax);  // Some answers.
    }
    room_->gathered->assign(last.view.begin(), last.view.end());
    last = SharedBytes(std::shared_ptr<const Bytes>(room_->gathered));
    room_->is_gathering = true;
  }
  room_->gathered->insert(room_->gathered->end(), bytes.begin(), bytes.end());
  last.view = *room_->gathered;
}

void SendQueue::drop(std::size_t size_bytes) {
  if (room_ == nullptr) return;
  size_bytes_ -= size_bytes;
  if (size_bytes_ == 0) return room_.reset();
  room_->is_gathering = false;
  auto& parts = room_->parts;
  auto whole = parts.begin();
  while (whole != parts.end() && whole->view.size() <= size_bytes) {
    size_bytes -= whole->view.size();
    ++whole;
  }
  if (whole != parts.end()) whole->view = whole->view.subspan(size_bytes);
  parts.erase(parts.begin(), whole);
}

std::vector<SharedBytes> SendQueue::take() {
  if (room_ == nullptr) return {};
  size_bytes_ = 0;
  auto parts = std::exchange(room_->parts, {});
  room_.reset();
  return parts;
}

void SendQueue::Room::clear() {
  is_gathering = false;
  empty_and_keep(parts, kPartsKept);
  if (gathered != nullptr && (gathered.use_count() > 1 || gathered->capacity() > kReusedMax))
    gathered.reset();
}

}  // namespace callboard::net
