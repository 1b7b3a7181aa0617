#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/data_socket.h"
#include "protocol/channel_frame.h"

namespace callboard::channel {

// What comes on a channel's connection, as messages or bytes. After timed_out the next call goes on where that one stood; after
// any other error the channel is over. Holds one message, as far as it has come, and a buffer. One thread at a time, but for
// received_bytes() and has_ended_in_order().
class ChannelInlet {
 public:
  using Limit = std::optional<Duration>;

  // `already_read` came on the socket before.
  ChannelInlet(net::DataSocket& socket, Bytes already_read);

  // nullopt when the other side has ended. Longer ones than `message_max` are refused, and so are bytes that are no message.
  Result<std::optional<Bytes>> take_message(Limit limit, std::uint64_t message_max);
  // Some of what comes next, of a message or not; 0 when the other side has ended.
  Result<std::size_t> take_some(std::span<std::byte> into, Limit limit);

  // Until the other side has ended.
  Result<void> drop_rest(Limit limit);
  // After that: until the other side closes. Always an error: interrupted for that.
  Result<void> await_close(Limit limit);

  // After an error: the connection was, and the other side has said nothing wrong.
  bool is_lost() const { return is_lost_; }
  bool has_ended_in_order() const { return has_ended_in_order_.load(std::memory_order_acquire); }
  std::uint64_t received_bytes() const { return received_bytes_.load(std::memory_order_relaxed); }

 private:
  struct Deadline {
    std::optional<Instant> at;
  };

  static Deadline deadline_of(Limit limit);
  // The piece that is being read: begins the next one when there is none. True: the other side has ended.
  Result<bool> reach_piece(Deadline deadline);
  Result<bool> on_end();
  void forget_message();
  // Puts the rest of the piece to the message.
  Result<void> append_piece(Deadline deadline);
  // At least `count_bytes` in the buffer, which has room for so many.
  Result<void> gather(std::size_t count_bytes, Deadline deadline);
  Result<std::size_t> read(std::span<std::byte> into, Deadline deadline);
  Result<std::size_t> read_socket(std::span<std::byte> into, Deadline deadline);
  ByteView waiting() const { return ByteView(buffer_).subspan(begin_, end_ - begin_); }

  net::DataSocket& socket_;
  protocol::ChannelOrder order_;
  Bytes buffer_;
  std::size_t begin_ = 0;  // Of what was received and not taken.
  std::size_t end_ = 0;
  std::optional<protocol::ChannelHead> piece_;  // Its size is what is still to come of it.
  Bytes message_;                               // As far as it has come …
  std::size_t message_taken_ = 0;               // … of which take_some() gave so much.
  bool is_lost_ = false;
  std::atomic<bool> has_ended_in_order_{false};
  std::atomic<std::uint64_t> received_bytes_{0};
};

}  // namespace callboard::channel
