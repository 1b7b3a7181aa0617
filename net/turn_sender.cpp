#include "net/turn_sender.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "net/socket_posix.h"

namespace callboard::net {
namespace {

// As libuv has it: what is over soon is no end of a connection.
std::int64_t passing_as_full(std::int64_t taken) {
  return taken == -ENOBUFS || taken == -EINTR ? -EAGAIN : taken;
}

std::int64_t send_alone(const Sending& one) {
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(one.parts.data());
  header.msg_iovlen = static_cast<decltype(header.msg_iovlen)>(one.parts.size());
  for (;;) {
    const ssize_t taken = ::sendmsg(one.fd, &header, MSG_DONTWAIT | kNoSignal);
    if (taken >= 0) return taken;
    if (errno != EINTR) return passing_as_full(-errno);
  }
}

}  // namespace

void TurnSender::add(std::shared_ptr<Side> side) {
  sides_.push_back(std::move(side));
  if (sides_.size() - sent_ == kSendsAtOnce) send_gathered();
}

void TurnSender::send() {
  if (sides_.empty()) return;
  send_gathered();
  sending_.swap(sides_);
  sent_ = 0;
  for (const auto& side : sending_) side->after_sending();
  sending_.clear();
}

void TurnSender::drop() {
  std::vector<std::shared_ptr<Side>>().swap(sides_);
  sent_ = 0;
}

void TurnSender::send_gathered() {
  if (room_ == nullptr) room_ = std::make_unique<Room>();
  std::size_t count = 0;
  for (; sent_ < sides_.size(); ++sent_) {
    Side* side = sides_[sent_].get();
    const Sending sending = side->offer(room_->parts[count]);
    if (sending.parts.empty()) continue;
    room_->sends[count] = sending;
    room_->sides[count++] = side;
  }
  const auto sends = std::span(room_->sends).first(count);
  send_all(sends);
  for (std::size_t i = 0; i < count; ++i) room_->sides[i]->on_taken(sends[i].taken);
}

void TurnSender::send_all(std::span<Sending> sends) {
  std::size_t sent = 0;
  if (sends.size() > 1) {
    if (!ring_) ring_ = SendRing::open();
    if (*ring_ != nullptr) sent = (*ring_)->send(sends);
    if (sent < sends.size()) *ring_ = nullptr;
    for (Sending& each : sends.first(sent)) each.taken = passing_as_full(each.taken);
  }
  for (Sending& each : sends.subspan(sent)) each.taken = send_alone(each);
}

}  // namespace callboard::net
