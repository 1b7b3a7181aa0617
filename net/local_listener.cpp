#include "net/local_listener.h"

#include <cerrno>

#include "net/local_socket.h"
#include "net/timer.h"
#include "net/uv_handle.h"

namespace callboard::net {
namespace {

// Accepted before others have their turn.
constexpr int kAcceptsPerTurn = 16;
// How long the system gets to recover when it has no descriptor to give.
constexpr auto kRecovery = 100ms;

}  // namespace

struct LocalListener::Impl : std::enable_shared_from_this<LocalListener::Impl> {
  Loop& loop;
  Fd fd;
  OnConnection on_connection;
  UvHandle<uv_poll_t> poll;
  Timer recovery;

  Impl(Loop& on, Fd listening, OnConnection handler)
      : loop(on),
        fd(std::move(listening)),
        on_connection(std::move(handler)),
        recovery(on, [this] { watch(); }) {}

  int watch() { return uv_poll_start(poll.get(), UV_READABLE, &on_poll); }
  void on_ready();
  void close() {
    recovery.cancel();
    poll.reset();
    fd.reset();
  }
  static void on_poll(uv_poll_t* handle, int, int) noexcept {
    if (auto* impl = owner_of<Impl>(handle)) {
      const auto kept = impl->shared_from_this();
      kept->on_ready();
    }
  }
};

void LocalListener::Impl::on_ready() {
  for (int i = 0; i < kAcceptsPerTurn && fd; ++i) {
    auto accepted = accept_local(fd.get());
    if (!accepted && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (!accepted && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
      uv_poll_stop(poll.get());
      return recovery.set_after(kRecovery);
    }
    if (!accepted) continue;  // A stranger, or one who has gone already.
    if (auto connection = LocalConnection::adopt(loop, std::move(*accepted))) {
      on_connection(std::move(*connection));
    }
  }
}

Result<std::unique_ptr<LocalListener>> LocalListener::watch(Loop& loop, Fd listening,
                                                            OnConnection on_connection) {
  auto impl = std::make_shared<Impl>(loop, std::move(listening), std::move(on_connection));
  int rc = impl->poll.open(
      impl.get(), [&](uv_poll_t* handle) { return uv_poll_init(loop.native(), handle, impl->fd.get()); });
  rc = rc == 0 ? impl->watch() : rc;
  if (rc != 0) {
    impl->close();
    return os_error("listen for commands", -rc);
  }
  return std::unique_ptr<LocalListener>(new LocalListener(std::move(impl)));
}

LocalListener::LocalListener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

LocalListener::~LocalListener() { impl_->close(); }

}  // namespace callboard::net
