#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/fd.h"
#include "net/loop.h"

namespace callboard::net {

// One connection within the machine, accepted by a LocalListener. Loop thread only. No handler is called inside a method,
// and none once the object is destroyed; it may be destroyed inside a handler. Destroying it closes at once and drops what
// is unsent.
class LocalConnection {
 public:
  struct Handlers {
    // What arrived, valid during the call.
    std::function<void(ByteView bytes)> on_bytes;
    // The last call: the other end has gone, or the connection broke.
    std::function<void()> on_ended;
  };

  static Result<std::unique_ptr<LocalConnection>> adopt(Loop& loop, Fd fd);
  ~LocalConnection();
  LocalConnection(const LocalConnection&) = delete;
  LocalConnection& operator=(const LocalConnection&) = delete;

  // Begins to read. Once.
  void start(Handlers handlers);
  // Queued without limit: look at unsent_bytes(). Ignored once it has ended.
  void write(Bytes bytes);
  std::uint64_t unsent_bytes() const;

 private:
  struct Impl;
  explicit LocalConnection(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace callboard::net
