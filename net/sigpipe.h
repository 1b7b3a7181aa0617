#pragma once

#include <csignal>

namespace callboard::net {

// Keeps SIGPIPE from this thread while it lives: a write to a closed socket fails with EPIPE instead of ending the
// process. sendfile, splice and libuv's writes have no flag for that, and a library must not change its host's handlers.
// Destroyed on the thread that made it, in reverse order.
class SigpipeGuard {
 public:
  SigpipeGuard();
  ~SigpipeGuard();
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;

 private:
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace callboard::net
