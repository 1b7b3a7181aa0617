#include <liburing.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/ensure.h"
#include "net/send_ring.h"

namespace callboard::net {
namespace {

class Uring final : public SendRing {
 public:
  Uring() : rc_(io_uring_queue_init(unsigned{kSendsAtOnce}, &ring_, 0)) {}
  ~Uring() override {
    if (is_open()) io_uring_queue_exit(&ring_);
  }
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  bool is_open() const { return rc_ == 0; }
  bool can_send() {
    const std::unique_ptr<io_uring_probe, decltype(&io_uring_free_probe)> probe(
        io_uring_get_probe_ring(&ring_), &io_uring_free_probe);
    return probe && io_uring_opcode_supported(probe.get(), IORING_OP_SEND) != 0 &&
           io_uring_opcode_supported(probe.get(), IORING_OP_SENDMSG) != 0;
  }

  std::size_t send(std::span<Sending> some) override {
    ENSURE(some.size() <= kSendsAtOnce);
    for (std::size_t i = 0; i < some.size(); ++i) prepare(i, some[i]);
    std::size_t submitted = 0;
    while (submitted < some.size()) {
      const int rc = io_uring_submit(&ring_);
      if (rc == -EINTR) continue;
      if (rc <= 0) break;
      submitted += static_cast<std::size_t>(rc);
    }
    // None has waited: each is over when it is submitted.
    for (std::size_t left = submitted; left > 0;) {
      io_uring_cqe* over = nullptr;
      const int rc = io_uring_wait_cqe(&ring_, &over);
      if (rc == -EINTR) continue;
      ENSURE(rc == 0);
      some[over->user_data].taken = over->res;
      io_uring_cqe_seen(&ring_, over);
      --left;
    }
    return submitted;
  }

 private:
  void prepare(std::size_t place, const Sending& one) {
    constexpr unsigned kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    ENSURE(entry != nullptr);
    if (one.parts.size() == 1) {
      io_uring_prep_send(entry, one.fd, one.parts[0].iov_base, one.parts[0].iov_len, kFlags);
    } else {
      headers_[place] = {};
      headers_[place].msg_iov = const_cast<iovec*>(one.parts.data());
      headers_[place].msg_iovlen = one.parts.size();
      io_uring_prep_sendmsg(entry, one.fd, &headers_[place], kFlags);
    }
    entry->user_data = place;
  }

  io_uring ring_{};
  int rc_;
  std::array<msghdr, kSendsAtOnce> headers_{};
};

}  // namespace

std::unique_ptr<SendRing> SendRing::open() {
  auto ring = std::make_unique<Uring>();
  return ring->is_open() && ring->can_send() ? std::move(ring) : nullptr;
}

}  // namespace callboard::net
