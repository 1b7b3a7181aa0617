#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fd.h"
#include "net/endpoint.h"
#include "net/tls_engine.h"

struct sockaddr;

namespace callboard::net {

// A blocking TCP socket for the thread that gives or takes a transfer. No loop is involved.
// One thread uses it; interrupt(), sent_bytes() and received_bytes() may be called from any. One thread may read while
// another writes. Errors: interrupted (the peer broke off, or interrupt()), timed_out, else as the system says.
class DataSocket {
 public:
  // Whether more will be written at once: the kernel then waits to fill whole packets.
  enum class More { no, yes };

  DataSocket() = default;
  // Takes over a connected socket.
  explicit DataSocket(Fd connected);
  DataSocket(const DataSocket&) = delete;
  DataSocket& operator=(const DataSocket&) = delete;

  // Tries the addresses of `to` within `limit`. Looking up a name may take longer: the system does not let go.
  Result<void> connect(const Endpoint& to, Duration limit);
  // A read or write that moves nothing for this long fails with timed_out; none: waits for ever (the default).
  Result<void> set_silence_limit(std::optional<Duration> limit);
  // The same for one of the two: who reads and who writes may each set their own.
  Result<void> set_read_limit(std::optional<Duration> limit);
  Result<void> set_write_limit(std::optional<Duration> limit);

  // Puts TLS beneath all that is read and written from now on, and returns when both sides have proven the key. `received`
  // is what the peer's TLS has said already. Once, before other threads use the socket.
  Result<void> secure(std::unique_ptr<TlsEngine> engine, ByteView received = {});

  // At least one byte, or 0: the peer has closed its writing.
  Result<std::size_t> read_some(std::span<std::byte> into);
  // All of it; a peer that closes before is an error.
  Result<void> read_exactly(std::span<std::byte> into);

  // All of it.
  Result<void> write(ByteView bytes, More more = More::no);
  // All parts in order, in as few system calls as possible.
  Result<void> write_parts(std::span<const ByteView> parts, More more = More::no);
  // From `offset` of a file, without copying where the system can and there is no TLS around it. Returns what was sent:
  // less than `count_bytes` only when the file is shorter. A failing read of the file leaves the stream in the middle:
  // close the connection.
  Result<std::uint64_t> send_file(int file_fd, std::uint64_t offset, std::uint64_t count_bytes);
  // Tells the peer that nothing more comes; reading goes on.
  Result<void> finish_writing();

  // Makes every blocked and every later call fail with interrupted. Also before or during connect().
  void interrupt();

  bool is_open() const { return static_cast<bool>(fd_); }
  std::uint64_t sent_bytes() const { return sent_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t received_bytes() const { return received_bytes_.load(std::memory_order_relaxed); }

 private:
  Result<void> connect_one(const ::sockaddr* address, unsigned address_size, Instant deadline);
  Result<void> wait_connected(Instant deadline);
  Error io_error(int errno_value) const;
  Result<void> set_limit(int option, std::optional<Duration> limit);
  Result<std::size_t> read_wire(std::span<std::byte> into);
  Result<void> write_wire(std::span<const ByteView> parts, More more);
  Result<std::size_t> read_opened(std::span<std::byte> into);
  Result<std::size_t> open_some(std::span<std::byte> into);
  Result<void> write_sealed(std::span<const ByteView> parts, More more);
  Result<void> send_sealed(More more);
  Result<std::uint64_t> copy_file(int file_fd, std::uint64_t offset, std::uint64_t count_bytes);

  std::unique_ptr<TlsEngine> tls_;
  std::mutex tls_lock_;          // Between who reads and who writes.
  Bytes sealed_;                 // Who reads: as it came from the wire.
  Bytes early_;                  // Who reads: said together with the handshake …
  std::size_t early_taken_ = 0;  // … of which so much was read.
  Bytes sealing_;                // Who writes: on its way to the wire.

  Fd fd_;
  std::mutex fd_lock_;  // Between interrupt() and connect(), which replaces fd_.
  std::atomic<bool> is_interrupted_{false};
  std::atomic<std::uint64_t> sent_bytes_{0};
  std::atomic<std::uint64_t> received_bytes_{0};
};

}  // namespace callboard::net
