#include "net/tcp_listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "base/limits.h"
#include "net/socket_posix.h"
#include "net/timer.h"
#include "net/uv_handle.h"

namespace callboard::net {
namespace {

// Accepted before others have their turn.
constexpr int kAcceptsPerTurn = 8;
// How long the system gets to recover when not even the reserve helps.
constexpr auto kRecovery = 100ms;

int accept_one(int listening) {
#ifdef SOCK_CLOEXEC
  return ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
  const int fd = ::accept(listening, nullptr, nullptr);
  if (fd >= 0) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    set_nonblocking(fd, true);
  }
  return fd;
#endif
}

Fd open_reserve() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// The system gives the least number that is free: all below it are taken. Of a small limit no more than a quarter is kept.
bool is_among_the_last(int fd) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  const rlim_t kept = std::min<rlim_t>(kDescriptorsKept, limit.rlim_cur / 4);
  return static_cast<rlim_t>(fd) >= limit.rlim_cur - kept;
}

bool is_about_the_peer(int error) {
  // Linux reports pending network errors of the new socket through accept.
  return error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == ENOPROTOOPT ||
         error == EHOSTDOWN || error == EHOSTUNREACH || error == ENETUNREACH || error == EOPNOTSUPP ||
         error == EINTR;
}

}  // namespace

struct TcpListener::Impl : std::enable_shared_from_this<TcpListener::Impl> {
  Loop& loop;
  Handlers handlers;
  Endpoint local;
  Fd fd;
  Fd reserve = open_reserve();
  bool has_reported = false;
  bool is_closed = false;
  UvHandle<uv_poll_t> poll;
  Timer recovery;

  Impl(Loop& on, Handlers given) : loop(on), handlers(std::move(given)), recovery(on, [this] { watch(); }) {}

  Result<void> listen(const Endpoint& at, int backlog);
  Result<void> begin(const std::string& doing);
  int watch();
  void on_ready();
  bool on_accept_failed(int error);
  void turn_away();
  void report(const Error& why);
  void close();
  static void on_poll(uv_poll_t* handle, int, int) noexcept {
    if (auto* impl = owner_of<Impl>(handle)) {
      const auto kept = impl->shared_from_this();
      kept->on_ready();
    }
  }
};

Result<void> TcpListener::Impl::listen(const Endpoint& at, int backlog) {
  auto address = numeric_address(at);
  if (!address) {
    return address.error();
  }
  auto opened = open_socket(address->family(), SOCK_STREAM);
  if (!opened) {
    return opened.error();
  }
  fd = std::move(*opened);
  // A server that was just stopped may be started again; two that listen at once are still refused.
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const std::string doing = "listen on " + to_text(at);
  if (::bind(fd.get(), address->get(), address->size_bytes) != 0 || ::listen(fd.get(), backlog) != 0) {
    const int failure = errno;
    Error why = os_error(doing, failure);
    if (failure == EADDRINUSE) why.outcome = Outcome::locked;
    return why;
  }
  return begin(doing);
}

Result<void> TcpListener::Impl::begin(const std::string& doing) {
  local = local_of(fd.get());
  int rc = poll.open(this, [&](uv_poll_t* handle) { return uv_poll_init(loop.native(), handle, fd.get()); });
  rc = rc == 0 ? watch() : rc;
  return rc == 0 ? Result<void>{} : Result<void>(os_error(doing, -rc));
}

int TcpListener::Impl::watch() { return uv_poll_start(poll.get(), UV_READABLE, &on_poll); }

void TcpListener::Impl::on_ready() {
  for (int i = 0; i < kAcceptsPerTurn && !is_closed; ++i) {
    Fd accepted(accept_one(fd.get()));
    if (!accepted) {
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK || !on_accept_failed(error)) {
        return;
      }
      continue;
    }
    if (is_among_the_last(accepted.get())) {
      report(os_error("accept a connection", EMFILE));
      continue;
    }
    auto connection = TcpConnection::adopt(loop, std::move(accepted));
    if (!connection) {
      report(connection.error().prefixed("accept a connection"));
      continue;
    }
    has_reported = false;
    handlers.on_connection(std::move(*connection));
  }
}

// Says whether accepting may go on in this turn.
bool TcpListener::Impl::on_accept_failed(int error) {
  if (is_about_the_peer(error)) {
    return true;
  }
  const bool is_out_of_descriptors = error == EMFILE || error == ENFILE;
  if (is_out_of_descriptors && reserve) {
    turn_away();
  }
  if (!is_out_of_descriptors || !reserve) {
    uv_poll_stop(poll.get());
    recovery.set_after(kRecovery);
    if (!reserve) {
      reserve = open_reserve();
    }
  }
  report(os_error("accept a connection", error));
  return false;
}

// The waiting peer gets an answer, a close, in place of silence.
void TcpListener::Impl::turn_away() {
  reserve.reset();
  Fd refused(accept_one(fd.get()));
  refused.reset();
  reserve = open_reserve();
}

void TcpListener::Impl::report(const Error& why) {
  if (!has_reported && handlers.on_trouble) {
    has_reported = true;
    handlers.on_trouble(why);
  }
}

void TcpListener::Impl::close() {
  is_closed = true;
  recovery.cancel();
  poll.reset();
  fd.reset();
}

Result<std::unique_ptr<TcpListener>> TcpListener::listen(Loop& loop, const Endpoint& at, Handlers handlers,
                                                         int backlog) {
  auto impl = std::make_shared<Impl>(loop, std::move(handlers));
  if (auto listening = impl->listen(at, backlog); !listening) {
    impl->close();
    return listening.error();
  }
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(impl)));
}

Result<std::unique_ptr<TcpListener>> TcpListener::adopt(Loop& loop, Fd listening, Handlers handlers) {
  int is_listening = 0;
  socklen_t size = sizeof(is_listening);
  const bool is_asked = ::getsockopt(listening.get(), SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) == 0;
  if (!is_asked || is_listening == 0) {
    return Error{Outcome::usage,
                 "descriptor " + std::to_string(listening.get()) + ": it is no socket that listens"};
  }
  set_nonblocking(listening.get(), true);
  ::fcntl(listening.get(), F_SETFD, FD_CLOEXEC);
  auto impl = std::make_shared<Impl>(loop, std::move(handlers));
  impl->fd = std::move(listening);
  if (auto begun = impl->begin("listen"); !begun) {
    impl->close();
    return begun.error();
  }
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(impl)));
}

TcpListener::TcpListener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

TcpListener::~TcpListener() { impl_->close(); }

Endpoint TcpListener::local() const { return impl_->local; }

Fd TcpListener::release() {
  Fd kept = std::move(impl_->fd);
  impl_->close();
  return kept;
}

}  // namespace callboard::net
