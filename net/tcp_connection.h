#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fd.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/send_queue.h"
#include "net/tls_engine.h"

namespace callboard::net {

// A socket taken out of a connection: non-blocking, close-on-exec.
struct ReleasedSocket {
  Fd fd;
  // What was given to write() and has not gone out: whoever goes on with the socket sends it first.
  Bytes unsent;
};

// One TCP connection, accepted by a TcpListener or made by connect(). TCP_NODELAY and keep-alive are on.
// Loop thread only. Handlers are never called inside a method, and none is called once the object is destroyed; it may
// be destroyed inside a handler. Destroying it closes at once and drops what is unsent.
class TcpConnection {
 public:
  struct Handlers {
    // connect() succeeded. Not called for accepted connections. May be left empty.
    std::function<void()> on_connected;
    // What arrived, valid during the call.
    std::function<void(ByteView bytes)> on_bytes;
    // unsent_bytes() fell to 0. May be left empty.
    std::function<void()> on_drained;
    // The last call, exactly once. Outcome done: the peer, or close_after_flush(), ended it in an orderly way;
    // cancelled: close(); not_found (nobody there, unknown name), timed_out, refused, failed: connect() did not
    // succeed; interrupted: it broke.
    std::function<void(const Error& why)> on_ended;
    // secure() succeeded: what is heard from now on is from the holder of key_identity(). May be left empty.
    std::function<void()> on_secured = {};
    // The kernel has no room for all that was written: the peer takes its time. on_drained follows when it has taken it. May be
    // left empty.
    std::function<void()> on_held_up = {};
  };

  // Looks `to.host` up where it is a name, and tries its addresses one after the other within `limit`.
  // write() may be called at once; the bytes wait for the connection.
  static std::unique_ptr<TcpConnection> connect(Loop& loop, Endpoint to, Duration limit, Handlers handlers);
  ~TcpConnection();
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  // Gives an accepted connection its handlers and begins to read. Once, and not after connect().
  void start(Handlers handlers);

  // Puts TLS beneath all that is written and heard from now on; both sides must. Once, before the first write(). `received`
  // is what the peer's TLS has said already, where on_bytes was called with it. refused (on_ended): it does not come about.
  void secure(std::unique_ptr<TlsEngine> engine, ByteView received = {});
  bool is_secured() const;
  // Of the key that secured it; empty before.
  std::string key_identity() const;

  // Queues bytes; everything queued in one turn leaves in as few system calls as possible, at its end at the latest. Ignored once the
  // connection has ended or is closing. There is no limit here: look at unsent_bytes().
  void write(SharedBytes bytes);
  // The same, but inside a turn it goes out now where nothing waits before it and the kernel has room: for what is said last
  // on a connection that is closed next.
  void write_at_once(SharedBytes bytes);
  // Queued here and not yet taken by the kernel; that and what was sent and received as it is on the wire.
  std::uint64_t unsent_bytes() const;
  std::uint64_t sent_bytes() const;
  std::uint64_t received_bytes() const;

  // While paused nothing is read, the peer's window fills, and its closing goes unnoticed. May be used in on_bytes.
  void pause_reading();
  void resume_reading();

  // Ends now; on_ended follows in a later step of the loop.
  void close();
  // Sends what is unsent, then ends its side and waits until the peer ends, too: a close with unread bytes would make
  // the kernel take back what the peer has not read yet. What arrives meanwhile is dropped. After `limit` it is cut off:
  // interrupted if something was unsent.
  void close_after_flush(Duration limit);
  bool is_closing() const;

  // Takes the socket out, for a relay. Bytes already handed to on_bytes are the caller's; nothing else was read. No
  // handler is called any more. Fails when there is no open connection, no descriptor is to be had, or it was to be secured
  // (then it is as before).
  Result<ReleasedSocket> release_socket();

  // Empty host until connected; `local` also after the end.
  Endpoint peer() const;
  Endpoint local() const;

 private:
  friend class TcpListener;
  struct Impl;
  explicit TcpConnection(std::shared_ptr<Impl> impl);
  static Result<std::unique_ptr<TcpConnection>> adopt(Loop& loop, Fd fd);
  std::shared_ptr<Impl> impl_;
};

}  // namespace callboard::net
