#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "net/local_connection.h"
#include "net/loop.h"

namespace callboard::net {

// Accepts connections on a socket of listen_local(). Who is not of this process's user is closed without a word.
// Loop thread only; may be destroyed inside its handler.
class LocalListener {
 public:
  // The connection reads nothing until its start().
  using OnConnection = std::function<void(std::unique_ptr<LocalConnection> connection)>;

  static Result<std::unique_ptr<LocalListener>> watch(Loop& loop, Fd listening, OnConnection on_connection);
  ~LocalListener();
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;

 private:
  struct Impl;
  explicit LocalListener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace callboard::net
