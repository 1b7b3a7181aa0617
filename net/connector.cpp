#include "net/connector.h"

#include <cerrno>
#include <vector>

#include "base/text.h"
#include "net/socket_posix.h"
#include "net/timer.h"
#include "net/uv_handle.h"

namespace callboard::net {
namespace {

// A name with more addresses than this is not tried to the end.
constexpr std::size_t kAddressesMax = 16;

// A look-up in libuv's pool. It cannot be taken back once it runs, so it lives until it is answered.
struct LookUp {
  uv_getaddrinfo_t request{};
  std::function<void(int rc, const addrinfo* found)> on_found;

  static void on_answer(uv_getaddrinfo_t* request, int rc, addrinfo* found) noexcept {
    const std::unique_ptr<LookUp> self(static_cast<LookUp*>(request->data));
    self->on_found(rc, found);
    uv_freeaddrinfo(found);
  }
};

}  // namespace

struct Connector::Impl : std::enable_shared_from_this<Connector::Impl> {
  Loop& loop;
  Endpoint to;
  Instant deadline;
  std::function<void(Result<Fd>)> on_done;
  Timer attempt_limit;
  std::vector<SocketAddress> addresses;
  std::size_t next_address = 0;
  Fd fd;
  UvHandle<uv_poll_t> poll;  // After fd: it must let go of the descriptor before that is closed.
  Error last_error;

  Impl(Loop& on, Endpoint target, Duration limit, std::function<void(Result<Fd>)> callback)
      : loop(on),
        to(std::move(target)),
        deadline(on.now() + limit),
        on_done(std::move(callback)),
        attempt_limit(on, [this] { on_attempt_timed_out(); }),
        last_error{Outcome::timed_out, doing() + ": no answer in time"} {}

  std::string doing() const { return "connect to " + to_text({escaped(to.host, 64), to.port}); }
  bool is_over() const { return !on_done; }

  void begin();
  void look_up();
  void on_looked_up(int rc, const addrinfo* found);
  void try_next();
  bool try_address(const SocketAddress& address);
  void drop_attempt();
  void on_attempt_timed_out();
  void on_ready();
  void finish(Result<Fd> result);
  static void on_poll(uv_poll_t* handle, int, int) noexcept {
    if (auto* impl = owner_of<Impl>(handle)) {
      const auto kept = impl->shared_from_this();
      kept->on_ready();
    }
  }
};

void Connector::Impl::begin() {
  auto numeric = numeric_address(to);
  if (!numeric) {
    look_up();
    return;
  }
  addresses.push_back(*numeric);
  loop.at_end_of_turn([weak = weak_from_this()] {
    if (const auto impl = weak.lock(); impl && !impl->is_over()) {
      impl->try_next();
    }
  });
}

void Connector::Impl::look_up() {
  attempt_limit.set_at(deadline);
  auto asked = std::make_unique<LookUp>();
  asked->request.data = asked.get();
  asked->on_found = [weak = weak_from_this()](int rc, const addrinfo* found) {
    if (const auto impl = weak.lock(); impl && !impl->is_over()) {
      impl->on_looked_up(rc, found);
    }
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const std::string port = std::to_string(to.port);
  const int rc = uv_getaddrinfo(loop.native(), &asked->request, &LookUp::on_answer, to.host.c_str(),
                                port.c_str(), &hints);
  if (rc == 0) {
    static_cast<void>(asked.release());  // on_answer() deletes it.
    return;
  }
  loop.at_end_of_turn([weak = weak_from_this(), rc] {
    if (const auto impl = weak.lock(); impl && !impl->is_over()) {
      impl->on_looked_up(rc, nullptr);
    }
  });
}

void Connector::Impl::on_looked_up(int rc, const addrinfo* found) {
  attempt_limit.cancel();
  if (rc != 0) {
    finish(Error{Outcome::not_found, "look up " + quoted(to.host) + ": " + uv_strerror(rc)});
    return;
  }
  for (; found != nullptr && addresses.size() < kAddressesMax; found = found->ai_next) {
    addresses.push_back(copy_of(found->ai_addr, found->ai_addrlen));
  }
  try_next();
}

void Connector::Impl::try_next() {
  drop_attempt();
  while (next_address < addresses.size() && loop.now() < deadline) {
    const auto left = addresses.size() - next_address;
    if (try_address(addresses[next_address++])) {
      attempt_limit.set_after((deadline - loop.now()) / static_cast<std::int64_t>(left));
      return;
    }
  }
  finish(last_error);
}

// False when the attempt failed at once.
bool Connector::Impl::try_address(const SocketAddress& address) {
  auto opened = open_socket(address.family(), SOCK_STREAM);
  if (!opened) {
    last_error = opened.error();
    return false;
  }
  fd = std::move(*opened);
  if (::connect(fd.get(), address.get(), address.size_bytes) != 0 && errno != EINPROGRESS && errno != EINTR) {
    last_error = socket_error(doing(), errno);
    fd.reset();
    return false;
  }
  int rc = poll.open(this, [&](uv_poll_t* handle) { return uv_poll_init(loop.native(), handle, fd.get()); });
  rc = rc == 0 ? uv_poll_start(poll.get(), UV_WRITABLE, &on_poll) : rc;
  if (rc != 0) {
    last_error = socket_error(doing(), -rc);
    drop_attempt();
    return false;
  }
  return true;
}

void Connector::Impl::drop_attempt() {
  attempt_limit.cancel();
  poll.reset();
  fd.reset();
}

void Connector::Impl::on_attempt_timed_out() {
  const auto kept = shared_from_this();
  last_error = {Outcome::timed_out, doing() + ": no answer in time"};
  try_next();
}

void Connector::Impl::on_ready() {
  int cause = 0;
  socklen_t size = sizeof(cause);
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &cause, &size) != 0) {
    cause = errno;
  }
  if (cause != 0) {
    last_error = socket_error(doing(), cause);
    try_next();
    return;
  }
  poll.reset();
  finish(std::move(fd));
}

void Connector::Impl::finish(Result<Fd> result) {
  drop_attempt();
  const auto callback = std::exchange(on_done, nullptr);
  if (callback) {
    callback(std::move(result));
  }
}

Connector::Connector(Loop& loop, Endpoint to, Duration limit, std::function<void(Result<Fd>)> on_done)
    : impl_(std::make_shared<Impl>(loop, std::move(to), limit, std::move(on_done))) {
  impl_->begin();
}

Connector::~Connector() {
  impl_->drop_attempt();
  // The callback may be what is running: then finish() has taken it out and keeps it.
  impl_->on_done = nullptr;
}

}  // namespace callboard::net
