#include "net/data_socket.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/sendfile.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>

#include "base/limits.h"
#include "base/text.h"
#include "net/sigpipe.h"
#include "net/socket_posix.h"

namespace callboard::net {
namespace {

#ifdef MSG_MORE
constexpr int kMoreFlag = MSG_MORE;
#else
constexpr int kMoreFlag = 0;
#endif

// Parts handed to the kernel in one call; IOV_MAX is 1024 on every system we know.
constexpr std::size_t kPartsMax = 1024;

// What stays in the L2 cache on its way from a file through the cipher to the socket.
constexpr std::size_t kSealedAtATime = 256 * KiB;

// Views of what a call may still send, moved on as bytes go out.
class PartsToSend {
 public:
  explicit PartsToSend(std::span<const ByteView> parts) : parts_(parts) {}

  // Fills `into` with what comes next; the number of entries, 0 at the end.
  std::size_t next(std::array<iovec, kPartsMax>& into) const {
    std::size_t count = 0;
    for (std::size_t i = first_; i < parts_.size() && count < into.size(); ++i) {
      const ByteView rest = i == first_ ? parts_[i].subspan(skipped_) : parts_[i];
      if (!rest.empty()) {
        into[count++] = {const_cast<std::byte*>(rest.data()), rest.size()};  // sendmsg only reads.
      }
    }
    return count;
  }

  bool is_last_call(std::size_t count) const { return first_ + count >= parts_.size(); }

  void advance(std::size_t sent_bytes) {
    while (first_ < parts_.size() && sent_bytes >= parts_[first_].size() - skipped_) {
      sent_bytes -= parts_[first_].size() - skipped_;
      skipped_ = 0;
      ++first_;
    }
    skipped_ += sent_bytes;
  }

 private:
  std::span<const ByteView> parts_;
  std::size_t first_ = 0;
  std::size_t skipped_ = 0;
};

Error no_answer() { return {Outcome::timed_out, "no answer in time"}; }

// The cause alone: whoever calls says what it was doing.
Error cause_alone(int errno_value) {
  Error error = socket_error("", errno_value);
  error.text.erase(0, std::string_view(": ").size());
  return error;
}

}  // namespace

DataSocket::DataSocket(Fd connected) : fd_(std::move(connected)) {
  set_nonblocking(fd_.get(), false);
  set_bulk_options(fd_.get());
}

Error DataSocket::io_error(int errno_value) const {
  if (is_interrupted_) {
    return {Outcome::interrupted, "interrupted"};
  }
  if (errno_value == EAGAIN || errno_value == EWOULDBLOCK) {
    return {Outcome::timed_out, "nothing moved for too long"};
  }
  return cause_alone(errno_value);
}

Result<void> DataSocket::connect(const Endpoint& to, Duration limit) {
  const std::string doing = "connect to " + to_text({escaped(to.host, 64), to.port});
  const Instant deadline = system_clock().monotonic() + limit;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int rc = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
  if (rc != 0) {
    return Error{Outcome::not_found, "look up " + quoted(to.host) + ": " + ::gai_strerror(rc)};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  int left = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    ++left;
  }
  Error last = no_answer();
  for (const addrinfo* each = found; each != nullptr && !is_interrupted_; each = each->ai_next, --left) {
    const Instant now = system_clock().monotonic();
    auto connected = connect_one(each->ai_addr, each->ai_addrlen, now + (deadline - now) / left);
    if (connected) {
      return connected;
    }
    last = connected.error();
  }
  return is_interrupted_ ? io_error(0) : last.prefixed(doing);
}

Result<void> DataSocket::connect_one(const ::sockaddr* address, unsigned address_size, Instant deadline) {
  auto opened = open_socket(address->sa_family, SOCK_STREAM);
  if (!opened) {
    return opened.error();
  }
  {
    // From here on interrupt() finds the socket; what came before is seen in is_interrupted_.
    const std::lock_guard lock(fd_lock_);
    fd_ = std::move(*opened);
  }
  int cause = ::connect(fd_.get(), address, address_size) == 0 ? 0 : errno;
  Result<void> connected;
  if (cause == EINPROGRESS || cause == EINTR) {
    connected = wait_connected(deadline);
  } else if (cause != 0) {
    connected = cause_alone(cause);
  }
  if (is_interrupted_) {
    connected = io_error(0);
  }
  if (!connected) {
    const std::lock_guard lock(fd_lock_);
    fd_.reset();
    return connected;
  }
  set_nonblocking(fd_.get(), false);
  set_bulk_options(fd_.get());
  return {};
}

Result<void> DataSocket::wait_connected(Instant deadline) {
  // shutdown() wakes the poll on Linux; elsewhere the flag is seen after one slice.
  constexpr auto kSlice = 100ms;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - system_clock().monotonic());
    if (left.count() <= 0) {
      return no_answer();
    }
    pollfd waited{fd_.get(), POLLOUT, 0};
    const int ready =
        ::poll(&waited, 1, static_cast<int>(std::min<std::chrono::milliseconds>(left, kSlice).count()));
    if (is_interrupted_) {
      return io_error(0);
    }
    if (ready > 0) {
      int cause = 0;
      socklen_t size = sizeof(cause);
      ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &cause, &size);
      return cause == 0 ? Result<void>{} : Result<void>(cause_alone(cause));
    }
  }
}

Result<void> DataSocket::set_silence_limit(std::optional<Duration> limit) {
  auto set = set_read_limit(limit);
  return set ? set_write_limit(limit) : set;
}

Result<void> DataSocket::set_read_limit(std::optional<Duration> limit) {
  return set_limit(SO_RCVTIMEO, limit);
}
Result<void> DataSocket::set_write_limit(std::optional<Duration> limit) {
  return set_limit(SO_SNDTIMEO, limit);
}

Result<void> DataSocket::set_limit(int option, std::optional<Duration> limit) {
  timeval value{};
  if (limit) {
    // Of 0 the system would wait for ever.
    const auto us = std::max<std::int64_t>(std::chrono::ceil<std::chrono::microseconds>(*limit).count(), 1);
    value.tv_sec = static_cast<decltype(value.tv_sec)>(us / 1'000'000);
    value.tv_usec = static_cast<decltype(value.tv_usec)>(us % 1'000'000);
  }
  if (::setsockopt(fd_.get(), SOL_SOCKET, option, &value, sizeof(value)) == 0) return {};
  return os_error("limit the silence of a data connection", errno);
}

Result<std::size_t> DataSocket::read_some(std::span<std::byte> into) {
  return tls_ ? read_opened(into) : read_wire(into);
}

Result<std::size_t> DataSocket::read_wire(std::span<std::byte> into) {
  for (;;) {
    const auto got = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (is_interrupted_ || (got < 0 && errno != EINTR)) {
      return io_error(errno);
    }
    if (got >= 0) {
      received_bytes_.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
      return static_cast<std::size_t>(got);
    }
  }
}

Result<void> DataSocket::read_exactly(std::span<std::byte> into) {
  while (!into.empty()) {
    auto got = read_some(into);
    if (!got) {
      return got.error();
    }
    if (*got == 0) {
      return Error{Outcome::interrupted, "closed by the peer"};
    }
    into = into.subspan(*got);
  }
  return {};
}

Result<void> DataSocket::write(ByteView bytes, More more) { return write_parts({&bytes, 1}, more); }

Result<void> DataSocket::write_parts(std::span<const ByteView> parts, More more) {
  return tls_ ? write_sealed(parts, more) : write_wire(parts, more);
}

Result<void> DataSocket::write_wire(std::span<const ByteView> parts, More more) {
  PartsToSend to_send(parts);
  std::array<iovec, kPartsMax> batch;
  while (const std::size_t count = to_send.next(batch)) {
    msghdr message{};
    message.msg_iov = batch.data();
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
    const bool is_followed = more == More::yes || !to_send.is_last_call(count);
    const auto sent = ::sendmsg(fd_.get(), &message, is_followed ? kNoSignal | kMoreFlag : kNoSignal);
    if (is_interrupted_ || (sent < 0 && errno != EINTR)) {
      return io_error(errno);
    }
    if (sent > 0) {
      sent_bytes_.fetch_add(static_cast<std::uint64_t>(sent), std::memory_order_relaxed);
      to_send.advance(static_cast<std::size_t>(sent));
    }
  }
  return {};
}

// --- TLS ------------------------------------------------------------------------------------------------------------

Result<void> DataSocket::secure(std::unique_ptr<TlsEngine> engine, ByteView received) {
  tls_ = std::move(engine);
  sealed_.resize(kSealedAtATime);
  tls_->start();
  auto heard = tls_->receive(received, early_);
  for (;;) {
    if (auto sent = send_sealed(More::no); !sent) {
      return sent;
    }
    if (!heard) {
      return Error{Outcome::interrupted,
                   "data connection: the other side does not prove that it is part of this transfer"};
    }
    if (tls_->is_ready()) {
      return {};
    }
    const auto got = read_wire(sealed_);
    if (!got) {
      return got.error();
    }
    if (*got == 0) {
      return Error{Outcome::interrupted, "data connection: closed by the peer"};
    }
    heard = tls_->receive(ByteView(sealed_).first(*got), early_);
  }
}

Result<std::size_t> DataSocket::read_opened(std::span<std::byte> into) {
  if (early_taken_ < early_.size()) {
    const std::size_t size_bytes = std::min(into.size(), early_.size() - early_taken_);
    std::copy_n(early_.begin() + static_cast<std::ptrdiff_t>(early_taken_), size_bytes, into.begin());
    early_taken_ += size_bytes;
    return size_bytes;
  }
  for (;;) {
    const auto opened = open_some(into);
    if (!opened || *opened > 0) return opened;
    const auto got = read_wire(sealed_);
    if (!got || *got == 0) return got;
    const std::lock_guard lock(tls_lock_);
    tls_->feed(ByteView(sealed_).first(*got));
  }
}

// What has come from the wire already, a record of TLS after the other.
Result<std::size_t> DataSocket::open_some(std::span<std::byte> into) {
  const std::lock_guard lock(tls_lock_);
  std::size_t opened_bytes = 0;
  while (opened_bytes < into.size()) {
    const auto opened = tls_->read(into.subspan(opened_bytes));
    if (!opened) return opened.error().prefixed("data connection");
    if (*opened == 0) break;
    opened_bytes += *opened;
  }
  return opened_bytes;
}

Result<void> DataSocket::write_sealed(std::span<const ByteView> parts, More more) {
  std::size_t gathered_bytes = 0;
  for (ByteView part : parts) {
    while (!part.empty()) {
      const ByteView piece = part.first(std::min(part.size(), kSealedAtATime - gathered_bytes));
      part = part.subspan(piece.size());
      {
        const std::lock_guard lock(tls_lock_);
        tls_->send(piece);
      }
      gathered_bytes += piece.size();
      if (gathered_bytes < kSealedAtATime) {
        continue;
      }
      gathered_bytes = 0;
      if (auto sent = send_sealed(More::yes); !sent) {
        return sent;
      }
    }
  }
  return send_sealed(more);
}

Result<void> DataSocket::send_sealed(More more) {
  {
    const std::lock_guard lock(tls_lock_);
    tls_->take_sealed(sealing_);
  }
  const ByteView all = sealing_;
  return write_wire({&all, 1}, more);
}

// --- Files ----------------------------------------------------------------------------------------------------------

#ifdef __linux__

Result<std::uint64_t> DataSocket::send_file(int file_fd, std::uint64_t offset, std::uint64_t count_bytes) {
  if (tls_) {
    return copy_file(file_fd, offset, count_bytes);
  }
  const SigpipeGuard no_sigpipe;
  // One call's worth: progress is counted in between, and the kernel's own limit is just below 2 GiB.
  constexpr std::uint64_t kPerCall = 4 * MiB;
  auto position = static_cast<off_t>(offset);
  std::uint64_t total = 0;
  while (total < count_bytes) {
    const auto sent = ::sendfile(fd_.get(), file_fd, &position, std::min(count_bytes - total, kPerCall));
    if (is_interrupted_ || (sent < 0 && errno != EINTR)) {
      return io_error(errno);
    }
    if (sent == 0) {
      break;
    }
    if (sent > 0) {
      total += static_cast<std::uint64_t>(sent);
      sent_bytes_.fetch_add(static_cast<std::uint64_t>(sent), std::memory_order_relaxed);
    }
  }
  return total;
}

#else

Result<std::uint64_t> DataSocket::send_file(int file_fd, std::uint64_t offset, std::uint64_t count_bytes) {
  return copy_file(file_fd, offset, count_bytes);
}

#endif

Result<std::uint64_t> DataSocket::copy_file(int file_fd, std::uint64_t offset, std::uint64_t count_bytes) {
  Bytes buffer(kSealedAtATime);
  std::uint64_t total = 0;
  while (total < count_bytes) {
    const auto size = std::min<std::uint64_t>(buffer.size(), count_bytes - total);
    const auto got = ::pread(file_fd, buffer.data(), size, static_cast<off_t>(offset + total));
    if (got < 0 && errno != EINTR) {
      return os_error("read a file", errno);
    }
    if (got == 0) {
      break;
    }
    if (got > 0) {
      if (auto sent = write(ByteView(buffer).first(static_cast<std::size_t>(got)), More::no); !sent) {
        return sent.error();
      }
      total += static_cast<std::uint64_t>(got);
    }
  }
  return total;
}

Result<void> DataSocket::finish_writing() {
  return ::shutdown(fd_.get(), SHUT_WR) == 0 ? Result<void>{} : Result<void>(io_error(errno));
}

void DataSocket::interrupt() {
  is_interrupted_ = true;
  const std::lock_guard lock(fd_lock_);
  if (fd_) {
    ::shutdown(fd_.get(), SHUT_RDWR);
  }
}

}  // namespace callboard::net
