#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace callboard::net {

// What one socket has to send, and what became of it.
struct Sending {
  int fd = -1;
  std::span<const iovec> parts;
  // Bytes that the kernel took; below 0: the error's number with a minus, -EAGAIN where it has no room for any.
  std::int64_t taken = 0;
};

// So many go with one system call: a fan-out to a studio, and little to keep.
inline constexpr std::size_t kSendsAtOnce = 128;

// One system call for the sends of many sockets, where the system has that: Linux's io_uring. Told to many on one machine, a
// send takes half the time so, and who reads them is woken once. One thread at a time.
class SendRing {
 public:
  // Null where there is none, it cannot send (before Linux 5.6), or it is forbidden (a container's seccomp,
  // kernel.io_uring_disabled).
  static std::unique_ptr<SendRing> open();
  virtual ~SendRing() = default;

  // kSendsAtOnce at most. Never waits for a peer. How many of the first have been sent or have failed: all, unless the ring does not work any more;
  // it is not to be used again then, and the others are as they were.
  virtual std::size_t send(std::span<Sending> sends) = 0;
};

}  // namespace callboard::net
