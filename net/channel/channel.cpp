#include "net/channel/channel.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/fd.h"
#include "base/text.h"
#include "net/channel/channel_inlet.h"
#include "net/channel/channel_line.h"
#include "protocol/channel_frame.h"

namespace callboard::channel {
namespace {

const Error kBrokenOff{Outcome::interrupted, "closed the channel before its end"};
// For the other side to hear that it was all, when that is all that is left to be said.
constexpr Duration kLastWord = 1s;
const Error kClosed{Outcome::usage, "the channel is closed"};
const Error kInUse{Outcome::timed_out, "another thread sends or receives on the channel"};
const Error kLate{Outcome::timed_out, "the channel did not end in time"};

Result<Fd> open_file(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (fd < 0) return os_error("open " + quoted(path), errno);
  return Fd(fd);
}

Result<void> write_file(int fd, ByteView bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return os_error("write " + quoted(path), errno);
    if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

// Whether the other thread that sends, or receives, has ended that within the limit.
bool lock_within(std::unique_lock<std::timed_mutex>& lock, std::optional<Duration> limit) {
  if (limit) return lock.try_lock_for(*limit);
  lock.lock();
  return true;
}

}  // namespace

class Channel::Impl {
 public:
  Impl(std::shared_ptr<ChannelLine> line, End end, Bytes already_read)
      : line_(std::move(line)), end_(std::move(end)), inlet_(line_->socket, std::move(already_read)) {}
  ~Impl();

  Result<void> send_as(protocol::ChannelKind last, protocol::ChannelKind others, ByteView bytes, Limit limit);
  Result<std::optional<Bytes>> receive(Limit limit);
  Result<std::size_t> read(std::span<std::byte> into, Limit limit);
  Result<void> finish(Limit limit);
  Result<void> close(Duration limit);
  Result<void> await_end(Limit limit);
  bool await_word(Limit limit) { return line_->await_word(limit); }
  void cancel();

  const End& end() const { return end_; }
  std::uint64_t sent_bytes() const { return sent_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t received_bytes() const { return inlet_.received_bytes(); }

 private:
  Result<void> begin_sending(Limit limit);
  // What went wrong with the connection, in the words of who knows why; the same from then on.
  enum class Cause { lost, known };
  Error fail(const Error& broke, Cause cause);
  Cause of_inlet() const { return inlet_.is_lost() ? Cause::lost : Cause::known; }
  // timed_out: what we send is not all said yet.
  Result<bool> have_both_ended(Limit limit);
  std::optional<Error> over() const;
  std::string peer_text() const { return end_.peer.empty() ? "the server" : quoted(end_.peer); }
  void set_over(const Error& why);

  const std::shared_ptr<ChannelLine> line_;
  const End end_;
  std::timed_mutex sending_;  // Held for a message, so that those of several threads do not mix.
  std::atomic<bool> is_finished_{false};
  std::atomic<std::uint64_t> sent_bytes_{0};
  std::timed_mutex receiving_;  // Guards the inlet.
  ChannelInlet inlet_;
  mutable std::mutex mutex_;  // Guards the next.
  std::optional<Error> over_;
};

Channel::Impl::~Impl() {
  if (over()) return;
  // The other side waits for nothing but this.
  if (inlet_.has_ended_in_order() && close(kLastWord)) return;
  line_->abandon(kBrokenOff);
  line_->socket.interrupt();
}

std::optional<Error> Channel::Impl::over() const {
  const std::lock_guard lock(mutex_);
  return over_;
}

void Channel::Impl::set_over(const Error& why) {
  const std::lock_guard lock(mutex_);
  if (!over_) over_ = why;
}

Error Channel::Impl::fail(const Error& broke, Cause cause) {
  if (const auto before = over()) return *before;
  set_over(cause == Cause::lost ? line_->cause_of(broke) : broke);
  if (cause == Cause::known) line_->abandon(broke);
  line_->socket.interrupt();
  return *over();
}

// --- Sending --------------------------------------------------------------------------------------------------------

Result<void> Channel::Impl::begin_sending(Limit limit) {
  if (const auto why = over()) return *why;
  if (is_finished_) return Error{Outcome::usage, "the channel was finished from here"};
  if (auto set = line_->socket.set_write_limit(limit); !set) return set;
  return {};
}

Result<void> Channel::Impl::send_as(protocol::ChannelKind last, protocol::ChannelKind others, ByteView bytes,
                                    Limit limit) {
  std::unique_lock lock(sending_, std::defer_lock);
  if (!lock_within(lock, limit)) return kInUse;
  if (auto ready = begin_sending(limit); !ready) return ready;
  do {
    const ByteView piece = bytes.first(std::min<std::size_t>(bytes.size(), protocol::kChannelPieceMax));
    bytes = bytes.subspan(piece.size());
    const auto head = protocol::encode_channel_head(
        {bytes.empty() ? last : others, static_cast<std::uint32_t>(piece.size())});
    const std::array<ByteView, 2> parts{ByteView(head), piece};
    const auto more = bytes.empty() ? net::DataSocket::More::no : net::DataSocket::More::yes;
    if (auto sent = line_->socket.write_parts(parts, more); !sent) {
      // Nobody knows how much of it went.
      if (sent.error().outcome == Outcome::timed_out) {
        set_over({Outcome::timed_out, peer_text() + " does not take what is sent"});
        line_->abandon(kBrokenOff);
        line_->socket.interrupt();
      }
      return fail(sent.error(), Cause::lost);
    }
    sent_bytes_.fetch_add(piece.size(), std::memory_order_relaxed);
  } while (!bytes.empty());
  return {};
}

Result<void> Channel::Impl::finish(Limit limit) {
  std::unique_lock lock(sending_, std::defer_lock);
  if (!lock_within(lock, limit)) return kInUse;
  if (is_finished_) return {};
  if (auto ready = begin_sending(limit); !ready) return ready;
  if (auto sent = line_->socket.write(protocol::encode_channel_end({Outcome::done, ""})); !sent)
    return fail(sent.error(), Cause::lost);
  is_finished_ = true;
  return {};
}

// --- Receiving ------------------------------------------------------------------------------------------------------

Result<std::optional<Bytes>> Channel::Impl::receive(Limit limit) {
  std::unique_lock lock(receiving_, std::defer_lock);
  if (!lock_within(lock, limit)) return kInUse;
  if (const auto why = over()) return *why;
  auto message = inlet_.take_message(limit, end_.message_max);
  if (!message && message.error().outcome != Outcome::timed_out) return fail(message.error(), of_inlet());
  return message;
}

Result<std::size_t> Channel::Impl::read(std::span<std::byte> into, Limit limit) {
  std::unique_lock lock(receiving_, std::defer_lock);
  if (!lock_within(lock, limit)) return kInUse;
  if (const auto why = over()) return *why;
  auto size_bytes = inlet_.take_some(into, limit);
  if (!size_bytes && size_bytes.error().outcome != Outcome::timed_out)
    return fail(size_bytes.error(), of_inlet());
  return size_bytes;
}

// --- The end --------------------------------------------------------------------------------------------------------

Result<void> Channel::Impl::close(Duration limit) {
  if (const auto why = over()) return why->outcome == Outcome::usage ? Result<void>() : Result<void>(*why);
  const Instant deadline = system_clock().monotonic() + limit;
  auto ended = finish(limit);
  if (ended) ended = await_end(std::max<Duration>(deadline - system_clock().monotonic(), 0s));
  if (ended || ended.error().outcome != Outcome::timed_out) return ended;
  set_over({Outcome::timed_out, peer_text() + " did not end the channel in time"});
  line_->abandon(kBrokenOff);
  line_->socket.interrupt();
  return *over();
}

Result<void> Channel::Impl::await_end(Limit limit) {
  std::unique_lock lock(receiving_, std::defer_lock);
  if (!lock_within(lock, limit)) return kLate;
  if (const auto why = over()) return why->outcome == Outcome::usage ? Result<void>() : Result<void>(*why);
  if (auto rest = inlet_.drop_rest(limit); !rest) {
    if (rest.error().outcome == Outcome::timed_out) return kLate;
    return fail(rest.error(), of_inlet());
  }
  // A side that closes its writing has heard the other's end, too: so nobody leaves while that is still on its way.
  const auto was_finished = have_both_ended(limit);
  if (!was_finished) return was_finished.error();
  if (*was_finished) static_cast<void>(line_->socket.finish_writing());
  const auto closed = inlet_.await_close(limit);
  if (closed.error().outcome == Outcome::timed_out) return kLate;
  const auto have_ended = have_both_ended(limit);
  if (!have_ended) return have_ended.error();
  if (!*have_ended) return fail(closed.error(), of_inlet());
  if (!*was_finished) static_cast<void>(line_->socket.finish_writing());
  set_over(kClosed);
  line_->socket.interrupt();
  return {};
}

Result<bool> Channel::Impl::have_both_ended(Limit limit) {
  if (!inlet_.has_ended_in_order()) return false;
  // The other side may have read our end, and close, before the call that sends it has returned.
  std::unique_lock lock(sending_, std::defer_lock);
  if (!lock_within(lock, limit)) return kLate;
  return is_finished_.load();
}

void Channel::Impl::cancel() {
  set_over({Outcome::cancelled, "the channel was cancelled here"});
  line_->abandon(kBrokenOff);
  line_->socket.interrupt();
}

// --- Channel --------------------------------------------------------------------------------------------------------

Channel::Channel(std::shared_ptr<ChannelLine> line, End end, Bytes already_read)
    : impl_(std::make_unique<Impl>(std::move(line), std::move(end), std::move(already_read))) {}
Channel::~Channel() = default;

const std::string& Channel::name() const { return impl_->end().name; }
const std::string& Channel::peer() const { return impl_->end().peer; }

Result<void> Channel::send(ByteView message, Limit limit) {
  if (message.size() > kMessageMax) {
    return Error{Outcome::usage, "a message of " + human_bytes(message.size()) + ": expected at most " +
                                     human_bytes(kMessageMax) + "; write it as bytes"};
  }
  return impl_->send_as(protocol::ChannelKind::message, protocol::ChannelKind::part, message, limit);
}

Result<std::optional<Bytes>> Channel::receive(Limit limit) { return impl_->receive(limit); }

Result<void> Channel::write(ByteView bytes, Limit limit) {
  if (bytes.empty()) return {};
  return impl_->send_as(protocol::ChannelKind::raw, protocol::ChannelKind::raw, bytes, limit);
}

Result<std::size_t> Channel::read(std::span<std::byte> into, Limit limit) { return impl_->read(into, limit); }

Result<std::uint64_t> Channel::send_file(const std::string& path) {
  const auto file = open_file(path, O_RDONLY);
  if (!file) return file.error();
  Bytes buffer(protocol::kChannelPieceMax);
  for (std::uint64_t total_bytes = 0;;) {
    const auto got = ::read(file->get(), buffer.data(), buffer.size());
    if (got < 0 && errno != EINTR) return os_error("read " + quoted(path), errno);
    if (got == 0) return total_bytes;
    if (got < 0) continue;
    const ByteView piece = ByteView(buffer).first(static_cast<std::size_t>(got));
    if (auto sent = write(piece); !sent) return sent.error();
    total_bytes += piece.size();
  }
}

Result<std::uint64_t> Channel::receive_file(const std::string& path) {
  const auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return file.error();
  Bytes buffer(protocol::kChannelPieceMax);
  for (std::uint64_t total_bytes = 0;;) {
    const auto got = read(buffer);
    if (!got) return got.error();
    if (*got == 0) return total_bytes;
    if (auto written = write_file(file->get(), ByteView(buffer).first(*got), path); !written)
      return written.error();
    total_bytes += *got;
  }
}

Result<void> Channel::finish(Limit limit) { return impl_->finish(limit); }
Result<void> Channel::await_end(Limit limit) { return impl_->await_end(limit); }
bool Channel::await_word(Limit limit) { return impl_->await_word(limit); }
Result<void> Channel::close(Duration limit) { return impl_->close(limit); }
void Channel::cancel() { impl_->cancel(); }
std::uint64_t Channel::sent_bytes() const { return impl_->sent_bytes(); }
std::uint64_t Channel::received_bytes() const { return impl_->received_bytes(); }

}  // namespace callboard::channel
