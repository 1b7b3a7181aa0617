#include "net/sigpipe.h"

#include <pthread.h>

namespace callboard::net {
namespace {

sigset_t only_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

bool is_sigpipe_pending() {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGPIPE) == 1;
}

}  // namespace

SigpipeGuard::SigpipeGuard() : was_pending_(is_sigpipe_pending()) {
  const sigset_t set = only_sigpipe();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

SigpipeGuard::~SigpipeGuard() {
  // What arrived meanwhile was ours: it is taken away before the signal can be delivered.
  if (!was_pending_ && sigismember(&before_, SIGPIPE) == 0 && is_sigpipe_pending()) {
    const sigset_t set = only_sigpipe();
    int number = 0;
    sigwait(&set, &number);
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace callboard::net
