#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"

namespace callboard::channel {

class ChannelLine;

// One end of a connection between two clients, or a client and the server, through the server's relay. On a
// server with keys nobody but the two reads it. It carries messages, or bytes without boundaries, both ways
// at the same time; who writes waits for who reads, and at most some MiB are on their way.
// Thread: any, but never a loop's: everything here may wait. One thread may send while another receives.
// Errors: timed_out of receive() and read() leaves everything as it was. After any other error the channel is
// over: interrupted says who left or broke it off, or that the server stopped; cancelled: it was broken off
// here.
class Channel {
 public:
  // How long to wait; none: as long as both are there.
  using Limit = std::optional<Duration>;
  // A longer message is refused by who receives it: it is held whole.
  static constexpr std::uint64_t kMessageMax = 1 * GiB;

  struct End {
    std::string name;                         // The channel's.
    std::string peer;                         // Who is at the other end; empty: the server.
    std::uint64_t message_max = kMessageMax;  // What is received at most.
  };
  // A connection on which both sides are; `already_read` came on it.
  Channel(std::shared_ptr<ChannelLine> line, End end, Bytes already_read);
  // Breaks it off, so that the other side does not take what came for all there was; unless the other side
  // has ended before.
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  const std::string& name() const;
  const std::string& peer() const;  // Empty: the server.

  // --- Messages: whole, in order ---
  Result<void> send(ByteView message, Limit limit = std::nullopt);
  // The next one; nullopt when the other side has ended.
  Result<std::optional<Bytes>> receive(Limit limit = std::nullopt);

  // --- Bytes ---
  Result<void> write(ByteView bytes, Limit limit = std::nullopt);
  // The content of a file, from its beginning to where it ends. Bytes sent.
  Result<std::uint64_t> send_file(const std::string& path);
  // At least one byte, of messages too; 0 when the other side has ended. `into` must not be empty.
  Result<std::size_t> read(std::span<std::byte> into, Limit limit = std::nullopt);
  // All that comes, into a file that is made or emptied, until the other side ends. Bytes received.
  Result<std::uint64_t> receive_file(const std::string& path);

  // Nothing more comes from here; receiving goes on.
  Result<void> finish(Limit limit = std::nullopt);
  // Waits until both have said that nothing more comes; what still comes is dropped.
  Result<void> await_end(Limit limit = std::nullopt);
  // Both of these: the other side says so when it has read everything. timed_out: it was broken off.
  Result<void> close(Duration limit = kCloseLimit);
  static constexpr Duration kCloseLimit = 60s;
  // After an end in order: until the server knows of it, too. Who leaves it before may be taken for somebody who
  // broke the channel off, in its log. False: it has not said so in time; by default within 2 s.
  bool await_word(Limit limit = std::nullopt);
  // Breaks it off: what waits here fails, and the other side is told. Thread: any.
  void cancel();

  // Of messages and bytes, both without what they are wrapped in.
  std::uint64_t sent_bytes() const;
  std::uint64_t received_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::channel
