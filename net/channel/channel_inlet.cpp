#include "net/channel/channel_inlet.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace callboard::channel {
namespace {

// Small messages come many to a call; pieces of large ones are read straight to where they belong.
constexpr std::size_t kInletBuffer = 64 * KiB;
static_assert(kInletBuffer >= protocol::kFrameHeadSize + protocol::kChannelEndMax);

}  // namespace

ChannelInlet::ChannelInlet(net::DataSocket& socket, Bytes already_read)
    : socket_(socket), buffer_(std::move(already_read)), end_(buffer_.size()) {
  buffer_.resize(std::max(buffer_.size(), kInletBuffer));
}

ChannelInlet::Deadline ChannelInlet::deadline_of(Limit limit) {
  if (!limit) return {};
  return {system_clock().monotonic() + *limit};
}

Result<std::optional<Bytes>> ChannelInlet::take_message(Limit limit, std::uint64_t message_max) {
  const Deadline deadline = deadline_of(limit);
  message_.erase(message_.begin(), message_.begin() + static_cast<std::ptrdiff_t>(message_taken_));
  message_taken_ = 0;
  for (;;) {
    const auto is_end = reach_piece(deadline);
    if (!is_end) return is_end.error();
    if (*is_end) return std::optional<Bytes>();
    if (piece_->kind == protocol::ChannelKind::raw) {
      return Error{Outcome::refused, "channel: expected a message, got bytes that are none"};
    }
    if (message_.size() + piece_->size_bytes > message_max) {
      return Error{Outcome::refused, "channel: expected messages of at most " + human_bytes(message_max)};
    }
    if (auto got = append_piece(deadline); !got) return got.error();
    const bool is_whole = piece_->kind == protocol::ChannelKind::message;
    piece_.reset();
    if (is_whole) return std::optional(std::exchange(message_, {}));
  }
}

Result<void> ChannelInlet::append_piece(Deadline deadline) {
  std::size_t filled_bytes = message_.size();
  message_.resize(filled_bytes + piece_->size_bytes);
  while (piece_->size_bytes > 0) {
    const auto got = read(std::span(message_).subspan(filled_bytes), deadline);
    if (!got) {
      message_.resize(filled_bytes);
      return got.error();
    }
    filled_bytes += *got;
  }
  return {};
}

Result<std::size_t> ChannelInlet::take_some(std::span<std::byte> into, Limit limit) {
  const Deadline deadline = deadline_of(limit);
  if (!message_.empty()) {
    // Of a message that take_message() was waiting for.
    const ByteView rest = ByteView(message_).subspan(message_taken_);
    const std::size_t size_bytes = std::min(into.size(), rest.size());
    std::copy_n(rest.begin(), size_bytes, into.begin());
    message_taken_ += size_bytes;
    if (size_bytes == rest.size()) forget_message();
    return size_bytes;
  }
  for (;;) {
    const auto is_end = reach_piece(deadline);
    if (!is_end) return is_end.error();
    if (*is_end) return std::size_t{0};
    const auto got = read(into.first(std::min<std::size_t>(into.size(), piece_->size_bytes)), deadline);
    if (got && piece_->size_bytes == 0) piece_.reset();
    // An empty message is no byte.
    if (!got || *got > 0) return got;
  }
}

Result<void> ChannelInlet::drop_rest(Limit limit) {
  const Deadline deadline = deadline_of(limit);
  std::array<std::byte, 4 * KiB> dropped;
  forget_message();
  for (;;) {
    std::optional<Duration> left;
    if (deadline.at) left = std::max<Duration>(*deadline.at - system_clock().monotonic(), 0s);
    const auto got = take_some(dropped, left);
    if (!got) return got.error();
    if (*got == 0) return {};
    // One that sends on and on does not end.
    if (left == Duration(0s)) return Error{Outcome::timed_out, "more comes on the channel"};
  }
}

void ChannelInlet::forget_message() {
  message_ = {};
  message_taken_ = 0;
}

Result<void> ChannelInlet::await_close(Limit limit) {
  std::array<std::byte, 1> none;
  const auto got = read_socket(none, deadline_of(limit));
  if (!got) return got.error();
  return Error{Outcome::refused, "channel: expected nothing after the end"};
}

Result<bool> ChannelInlet::reach_piece(Deadline deadline) {
  if (piece_) return false;
  if (has_ended_in_order_) return true;
  if (auto there = gather(protocol::kFrameHeadSize, deadline); !there) return there.error();
  const auto head = order_.on_head(waiting().first<protocol::kFrameHeadSize>());
  if (!head) return head.error();
  begin_ += protocol::kFrameHeadSize;
  piece_ = *head;
  if (piece_->kind != protocol::ChannelKind::end) return false;
  return on_end();
}

Result<bool> ChannelInlet::on_end() {
  const std::size_t size_bytes = piece_->size_bytes;
  // It comes in one piece with its head; a side that stops between the two is as good as gone.
  if (auto there = gather(size_bytes, deadline_of(kSilenceLimit)); !there) {
    return Error{Outcome::interrupted, "channel: the end did not come whole"};
  }
  const auto how = protocol::parse_channel_end(waiting().first(size_bytes));
  begin_ += size_bytes;
  piece_.reset();
  if (!how) return how.error();
  if (how->outcome != Outcome::done) return Error{how->outcome, how->text};
  if (order_.is_within_message()) {
    return Error{Outcome::refused, "channel: expected the rest of a message, got the end"};
  }
  has_ended_in_order_.store(true, std::memory_order_release);
  return true;
}

Result<void> ChannelInlet::gather(std::size_t count_bytes, Deadline deadline) {
  if (waiting().size() >= count_bytes) return {};
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
  end_ -= std::exchange(begin_, 0);
  while (end_ < count_bytes) {
    const auto got = read_socket(std::span(buffer_).subspan(end_), deadline);
    if (!got) return got.error();
    end_ += *got;
  }
  return {};
}

Result<std::size_t> ChannelInlet::read(std::span<std::byte> into, Deadline deadline) {
  if (into.empty()) return std::size_t{0};
  std::size_t size_bytes = std::min(into.size(), waiting().size());
  if (size_bytes > 0) {
    std::copy_n(waiting().begin(), size_bytes, into.begin());
    begin_ += size_bytes;
  } else {
    const auto got = read_socket(into, deadline);
    if (!got) return got;
    size_bytes = *got;
  }
  piece_->size_bytes -= static_cast<std::uint32_t>(size_bytes);
  received_bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
  return size_bytes;
}

Result<std::size_t> ChannelInlet::read_socket(std::span<std::byte> into, Deadline deadline) {
  std::optional<Duration> left;
  if (deadline.at) {
    left = *deadline.at - system_clock().monotonic();
    // What has arrived is taken all the same.
    if (*left <= 0s) left = std::chrono::microseconds(1);
  }
  if (auto set = socket_.set_read_limit(left); !set) return set.error();
  auto got = socket_.read_some(into);
  if (!got && got.error().outcome == Outcome::timed_out)
    return Error{Outcome::timed_out, "nothing came on the channel in time"};
  is_lost_ = !got || *got == 0;
  if (got && *got == 0) return Error{Outcome::interrupted, "the channel's connection was closed"};
  return got;
}

}  // namespace callboard::channel
