#pragma once

#include <functional>
#include <memory>

#include "base/fd.h"
#include "net/endpoint.h"
#include "net/tcp_connection.h"

namespace callboard::net {

// Accepts TCP connections. When the process has no descriptor left, whoever connects is accepted with a reserve and
// closed at once, so that peers learn it and the loop does not spin.
// Loop thread only; may be destroyed inside its handlers.
class TcpListener {
 public:
  struct Handlers {
    // The connection reads nothing until its start().
    std::function<void(std::unique_ptr<TcpConnection> connection)> on_connection;
    // Somebody could not be accepted. Once per run of failures, until the next success. May be left empty.
    std::function<void(const Error& why)> on_trouble;
  };

  // `at.host` is a numeric address, "0.0.0.0" or "::" for all; port 0 takes any free port. locked: another one has it.
  static Result<std::unique_ptr<TcpListener>> listen(Loop& loop, const Endpoint& at, Handlers handlers,
                                                     int backlog = 511);
  // The same with a socket that listens already: release() of another process, or of this one before.
  static Result<std::unique_ptr<TcpListener>> adopt(Loop& loop, Fd listening, Handlers handlers);
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  // Where it listens, with the actual port.
  Endpoint local() const;
  // Accepts nobody more, and hands on the socket, in which whoever connects waits for who has it next. Once, last.
  Fd release();

 private:
  struct Impl;
  explicit TcpListener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace callboard::net
