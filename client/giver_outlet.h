#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/compression.h"
#include "base/result.h"
#include "client/squeeze_policy.h"
#include "net/data_socket.h"
#include "protocol/squeezed.h"

namespace callboard::client {

// The giver's end of the connection: whole frames go out squeezed (docs/protocol.md, 3.4) where that pays, and what goes out is
// timed to tell whether it does. Squeezing happens between two writes, while the link empties what the last one left to the
// kernel. Thread: the one that answers. All must outlive it.
class GiverOutlet {
 public:
  using More = net::DataSocket::More;
  // What is squeezed must have become at least this much shorter: a fifth. Less saves little of a slow link's time, and
  // costs a taker what it costs the other way.
  static constexpr std::uint64_t kShareOf = 5;
  // Less than this is gone before it is squeezed.
  static constexpr std::uint64_t kSqueezeMin = 4 * KiB;

  GiverOutlet(net::DataSocket& socket, Compression compression, const Clock& clock)
      : socket_(socket), clock_(clock), policy_(compression) {}

  // For the moment.
  bool squeezes() const { return policy_.is_on(); }
  // Whole frames, all of them, or with `more` the beginning of one at their end. True: they went out squeezed, which is
  // not tried unless they are `promising`.
  Result<bool> write(ByteView frames, bool promising, More more = More::no);
  // Of a frame that was begun: from a file, as DataSocket::send_file(), and anything.
  Result<std::uint64_t> send_file(int fd, std::uint64_t offset, std::uint64_t count_bytes);
  Result<void> write_plain(ByteView bytes) { return socket_.write(bytes); }
  std::uint64_t sent_bytes() const { return socket_.sent_bytes(); }

 private:
  Instant now() const { return policy_.is_measuring() ? clock_.monotonic() : Instant{}; }

  net::DataSocket& socket_;
  const Clock& clock_;
  SqueezePolicy policy_;
  protocol::Squeezer squeezer_;
};

}  // namespace callboard::client
