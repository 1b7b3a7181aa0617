#include "net/tcp_connection.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "net/connector.h"
#include "net/socket_posix.h"
#include "net/timer.h"
#include "net/turn_sender.h"
#include "net/uv_handle.h"

namespace callboard::net {
namespace {

// For an alert that says why there is no TLS: a close at once would make the kernel take it back.
constexpr Duration kAlertLimit = 2s;

// One per thread: a handler is done with its bytes before the next read. By itself libuv fills it 32 times
// before it is others' turn; see Impl::share_turn().
uv_buf_t read_buffer() {
  static thread_local std::array<char, 16 * 1024> buffer;
  return uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
}

// Who sends takes char* and only reads.
iovec sent_part(const SharedBytes& bytes) {
  return {const_cast<char*>(as_text(bytes.view).data()), bytes.view.size()};
}

// An unsigned holds a size: frames are bounded far below 4 GiB.
uv_buf_t part_of(const SharedBytes& bytes) {
  ENSURE(bytes.view.size() <= UINT32_MAX);
  return uv_buf_init(const_cast<char*>(as_text(bytes.view).data()), static_cast<unsigned>(bytes.view.size()));
}

}  // namespace

struct TcpConnection::Impl : TurnSender::Side, std::enable_shared_from_this<TcpConnection::Impl> {
  enum class Step { connecting, accepted, open, flushing, awaiting_peer_end, ended };

  // Owns its buffers until libuv is done with them, whatever became of the connection.
  struct WriteRequest {
    uv_write_t request{};
    std::vector<SharedBytes> buffers;
    std::uint64_t size_bytes = 0;
    std::weak_ptr<Impl> connection;
  };
  struct ShutdownRequest {
    uv_shutdown_t request{};
  };

  explicit Impl(Loop& on) : loop(on) {}

  Loop& loop;
  Handlers handlers;
  Step step = Step::accepted;
  bool is_silent = false;  // Destroyed or released: no handler is called any more.
  bool is_paused = false;
  bool is_resting = false;  // Has read its share of this turn.
  std::uint64_t read_turn = 0;
  std::uint64_t turn_bytes = 0;  // Read in that turn.
  bool is_flush_scheduled = false;
  std::optional<std::int64_t> taken;  // Of what is being sent (Sending::taken).
  std::unique_ptr<Connector> connector;
  UvHandle<uv_tcp_t> tcp;
  std::unique_ptr<Timer> flush_limit;
  std::optional<Duration> flush_asked;  // close_after_flush() came before the connection.
  SendQueue queue;
  WriteRequest* in_flight = nullptr;
  std::uint64_t written_bytes = 0;
  std::uint64_t received_bytes = 0;
  Endpoint peer;
  std::unique_ptr<TlsEngine> tls;
  std::optional<Error> tls_error;  // Why it ends, though the connection is sound.

  Result<void> open(Fd fd);
  void on_connected(Result<Fd> fd);
  void update_reading();
  void share_turn(std::size_t size_bytes);
  void on_bytes(ByteView bytes);
  void secure(std::unique_ptr<TlsEngine> engine, ByteView received);
  void on_sealed(ByteView bytes);
  void send_sealed();
  void enqueue(SharedBytes bytes);
  void queue_for_wire(SharedBytes bytes);
  std::size_t send_at_once(const SharedBytes& bytes);
  void schedule_flush();
  Sending offer(TurnSender::Parts& parts) override;
  void on_taken(std::int64_t size_bytes) override;
  void after_sending() override;
  void begin_writing();
  void on_all_written();
  void on_written(WriteRequest& request, int rc);
  std::uint64_t in_flight_bytes() const;
  Bytes take_unsent();
  void begin_flushing(Duration limit);
  void end_writing();
  void on_flush_limit();
  void end(Error why);
  void tell_end(const Error& why);
  void shut();

  static void on_alloc(uv_handle_t*, std::size_t, uv_buf_t* buffer) noexcept { *buffer = read_buffer(); }
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) noexcept;
  static void on_write_done(uv_write_t* request, int rc) noexcept;
};

Result<void> TcpConnection::Impl::open(Fd fd) {
  set_stream_options(fd.get());
  peer = peer_of(fd.get());
  int rc = tcp.open(this, [&](uv_tcp_t* handle) { return uv_tcp_init(loop.native(), handle); });
  rc = rc == 0 ? uv_tcp_open(tcp.get(), fd.get()) : rc;
  if (rc != 0) {
    tcp.reset();
    return socket_error("open a connection", -rc);
  }
  static_cast<void>(fd.release());  // The handle closes it.
  return {};
}

void TcpConnection::Impl::on_connected(Result<Fd> fd) {
  connector.reset();
  if (!fd) {
    end(fd.error());
    return;
  }
  if (auto opened = open(std::move(*fd)); !opened) {
    end(opened.error());
    return;
  }
  step = Step::open;
  update_reading();
  if (tls) {
    tls->start();
    send_sealed();
  }
  if (handlers.on_connected && !flush_asked) {
    handlers.on_connected();
  }
  if (is_silent || step != Step::open) {
    return;
  }
  if (flush_asked) {
    begin_flushing(*flush_asked);
  }
  schedule_flush();
}

void TcpConnection::Impl::update_reading() {
  if (!tcp) {
    return;
  }
  const bool is_draining = step == Step::flushing || step == Step::awaiting_peer_end;
  if (!is_resting && (is_draining || (step == Step::open && !is_paused))) {
    // UV_EALREADY when it reads already.
    static_cast<void>(uv_read_start(tcp.stream(), &on_alloc, &on_read));
  } else {
    uv_read_stop(tcp.stream());
  }
}

void TcpConnection::Impl::on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) noexcept {
  auto* impl = owner_of<Impl>(stream);
  if (impl == nullptr || size == 0) {
    return;
  }
  const auto kept = impl->shared_from_this();
  if (size > 0) {
    // What fills the buffer has more behind it.
    if (static_cast<std::size_t>(size) == buffer->len) {
      kept->share_turn(buffer->len);
    }
    kept->on_bytes(as_bytes({buffer->base, static_cast<std::size_t>(size)}));
  } else if (size == UV_EOF) {
    kept->end({Outcome::done, "closed by the peer"});
  } else {
    kept->end(socket_error("read from " + to_text(kept->peer), static_cast<int>(-size)));
  }
}

// Also of one that only drains what nobody wants: a flood takes the loop's time all the same.
void TcpConnection::Impl::share_turn(std::size_t size_bytes) {
  if (std::exchange(read_turn, loop.turn()) != loop.turn()) {
    turn_bytes = 0;
  }
  turn_bytes += size_bytes;
  const std::uint64_t all_bytes = loop.add_read_bytes(size_bytes);
  if (is_resting || (turn_bytes < kReadShare && all_bytes < kReadOfAll)) {
    return;
  }
  is_resting = true;
  update_reading();
  loop.at_end_of_turn([weak = weak_from_this()] {
    if (const auto impl = weak.lock()) {
      impl->is_resting = false;
      impl->update_reading();
    }
  });
}

void TcpConnection::Impl::on_bytes(ByteView bytes) {
  received_bytes += bytes.size();
  if (step == Step::open && tls) {
    on_sealed(bytes);
  } else if (step == Step::open && handlers.on_bytes) {
    handlers.on_bytes(bytes);
  }
}

void TcpConnection::Impl::secure(std::unique_ptr<TlsEngine> engine, ByteView received) {
  ENSURE(!tls && queue.is_empty() && in_flight == nullptr);
  tls = std::move(engine);
  if (step == Step::open) {
    tls->start();
    on_sealed(received);
  }
}

void TcpConnection::Impl::on_sealed(ByteView bytes) {
  const bool was_ready = tls->is_ready();
  Bytes plain;
  const auto heard = tls->receive(bytes, plain);
  send_sealed();
  if (!was_ready && tls->is_ready() && handlers.on_secured) {
    handlers.on_secured();
  }
  if (is_silent || step != Step::open) {
    return;
  }
  if (!plain.empty() && handlers.on_bytes) {
    handlers.on_bytes(plain);
  }
  if (!heard && !is_silent && step == Step::open) {
    tls_error = heard.error();
    begin_flushing(kAlertLimit);
  }
}

void TcpConnection::Impl::send_sealed() {
  if (Bytes sealed = tls->take_sealed(); !sealed.empty()) {
    queue_for_wire(std::move(sealed));
  }
}

void TcpConnection::Impl::enqueue(SharedBytes bytes) {
  const bool is_taking = step == Step::connecting || step == Step::accepted || step == Step::open;
  if (!is_taking || flush_asked || bytes.view.empty()) {
    return;
  }
  if (tls) {
    tls->send(bytes.view);
    return send_sealed();
  }
  queue_for_wire(std::move(bytes));
}

void TcpConnection::Impl::queue_for_wire(SharedBytes bytes) {
  queue.push(std::move(bytes));
  schedule_flush();
}

void TcpConnection::Impl::schedule_flush() {
  if (is_flush_scheduled || in_flight != nullptr || !tcp) {
    return;
  }
  is_flush_scheduled = true;
  loop.send_at_end_of_turn(shared_from_this());
}

// How many bytes the kernel took; an error is met again, and told, by whoever flushes the rest.
std::size_t TcpConnection::Impl::send_at_once(const SharedBytes& bytes) {
  const bool is_free = step == Step::open && tcp && !tls && in_flight == nullptr && queue.is_empty();
  // While the loop does not run nothing keeps SIGPIPE away.
  if (!is_free || !loop.is_loop_thread()) {
    return 0;
  }
  const uv_buf_t part = part_of(bytes);
  const auto size_bytes = static_cast<std::size_t>(std::max(uv_try_write(tcp.stream(), &part, 1), 0));
  written_bytes += size_bytes;
  return size_bytes;
}

// Mostly the kernel takes all of it at once, and nothing has to be kept for later.
Sending TcpConnection::Impl::offer(TurnSender::Parts& parts) {
  is_flush_scheduled = false;
  Sending sending;
  if (!tcp || in_flight != nullptr || queue.is_empty()) return sending;
  if (uv_fileno(tcp.handle(), &sending.fd) != 0) return sending;
  const std::size_t count = std::min(parts.size(), queue.parts().size());
  std::ranges::transform(queue.parts().first(count), parts.begin(), &sent_part);
  sending.parts = std::span(parts).first(count);
  return sending;
}

void TcpConnection::Impl::on_taken(std::int64_t size_bytes) {
  taken = size_bytes == -EAGAIN ? 0 : size_bytes;
  if (*taken > 0) {
    written_bytes += static_cast<std::uint64_t>(*taken);
    queue.drop(static_cast<std::size_t>(*taken));
  }
}

void TcpConnection::Impl::after_sending() {
  if (!taken || step == Step::ended) return;
  const std::int64_t sent = *std::exchange(taken, std::nullopt);
  if (sent < 0) {
    end(socket_error("write to " + to_text(peer), static_cast<int>(-sent)));
  } else if (queue.is_empty()) {
    on_all_written();
  } else {
    // There was more than is offered at a time, or the kernel has no room: libuv sees which.
    begin_writing();
    const bool is_held_up = step == Step::open && uv_stream_get_write_queue_size(tcp.stream()) > 0;
    if (is_held_up && handlers.on_held_up) handlers.on_held_up();
  }
}

void TcpConnection::Impl::begin_writing() {
  auto request = std::make_unique<WriteRequest>();
  request->size_bytes = queue.size_bytes();
  request->buffers = queue.take();
  request->connection = weak_from_this();
  request->request.data = request.get();
  std::vector<uv_buf_t> parts(request->buffers.size());
  std::transform(request->buffers.begin(), request->buffers.end(), parts.begin(), &part_of);
  const int rc = uv_write(&request->request, tcp.stream(), parts.data(), static_cast<unsigned>(parts.size()),
                          &on_write_done);
  if (rc != 0) {
    end(socket_error("write to " + to_text(peer), -rc));
    return;
  }
  in_flight = request.release();
}

void TcpConnection::Impl::on_write_done(uv_write_t* raw, int rc) noexcept {
  const std::unique_ptr<WriteRequest> request(static_cast<WriteRequest*>(raw->data));
  if (const auto impl = request->connection.lock()) {
    impl->on_written(*request, rc);
  }
}

void TcpConnection::Impl::on_written(WriteRequest& request, int rc) {
  if (in_flight != &request) {
    return;  // The connection has ended or given its bytes away.
  }
  in_flight = nullptr;
  if (rc != 0) {
    end(socket_error("write to " + to_text(peer), -rc));
    return;
  }
  written_bytes += request.size_bytes;
  if (!queue.is_empty()) {
    schedule_flush();
  } else {
    on_all_written();
  }
}

void TcpConnection::Impl::on_all_written() {
  if (step == Step::flushing) {
    end_writing();
  } else if (step == Step::open && handlers.on_drained) {
    handlers.on_drained();
  }
}

std::uint64_t TcpConnection::Impl::in_flight_bytes() const {
  return in_flight == nullptr || !tcp ? 0 : uv_stream_get_write_queue_size(tcp.stream());
}

// What the kernel has not taken, in order.
Bytes TcpConnection::Impl::take_unsent() {
  Bytes unsent;
  if (in_flight != nullptr) {
    std::uint64_t skip = in_flight->size_bytes - in_flight_bytes();
    for (const auto& bytes : in_flight->buffers) {
      const auto skipped = std::min<std::uint64_t>(skip, bytes.view.size());
      unsent.insert(unsent.end(), bytes.view.begin() + static_cast<std::ptrdiff_t>(skipped),
                    bytes.view.end());
      skip -= skipped;
    }
    in_flight = nullptr;
  }
  for (const auto& bytes : queue.take()) {
    unsent.insert(unsent.end(), bytes.view.begin(), bytes.view.end());
  }
  return unsent;
}

void TcpConnection::Impl::begin_flushing(Duration limit) {
  if (tls) {
    tls->finish();
    send_sealed();
  }
  step = Step::flushing;
  flush_limit = std::make_unique<Timer>(loop, [this] { on_flush_limit(); });
  flush_limit->set_after(limit);
  update_reading();
  if (in_flight == nullptr && queue.is_empty()) {
    end_writing();
  } else {
    schedule_flush();
  }
}

void TcpConnection::Impl::end_writing() {
  step = Step::awaiting_peer_end;
  auto request = std::make_unique<ShutdownRequest>();
  request->request.data = request.get();
  const auto on_done = [](uv_shutdown_t* done, int) noexcept {
    delete static_cast<ShutdownRequest*>(done->data);
  };
  if (uv_shutdown(&request->request, tcp.stream(), on_done) != 0) {
    end({Outcome::done, "closed"});
    return;
  }
  static_cast<void>(request.release());  // on_done deletes it.
}

void TcpConnection::Impl::on_flush_limit() {
  const auto kept = shared_from_this();
  end(step == Step::flushing
          ? Error{Outcome::interrupted, "write to " + to_text(peer) + ": the peer does not read"}
          : Error{Outcome::done, "closed"});
}

// Everything that holds the socket goes; nobody is told.
void TcpConnection::Impl::shut() {
  step = Step::ended;
  connector.reset();
  flush_limit.reset();
  tcp.reset();
  in_flight = nullptr;  // Deletes itself when libuv has cancelled it.
  queue = {};
}

void TcpConnection::Impl::end(Error why) {
  if (step == Step::ended) {
    return;
  }
  shut();
  if (tls_error) {
    why = *tls_error;
  }
  loop.at_end_of_turn([weak = weak_from_this(), why = std::move(why)] {
    if (const auto impl = weak.lock()) {
      impl->tell_end(why);
    }
  });
}

void TcpConnection::Impl::tell_end(const Error& why) {
  if (is_silent) {
    return;
  }
  is_silent = true;
  // The handlers die with the call: they may hold what owns this connection.
  const Handlers last = std::exchange(handlers, {});
  if (last.on_ended) {
    last.on_ended(why);
  }
}

std::unique_ptr<TcpConnection> TcpConnection::connect(Loop& loop, Endpoint to, Duration limit,
                                                      Handlers handlers) {
  auto impl = std::make_shared<Impl>(loop);
  impl->step = Impl::Step::connecting;
  impl->handlers = std::move(handlers);
  impl->connector =
      std::make_unique<Connector>(loop, std::move(to), limit, [raw = impl.get()](Result<Fd> fd) {
        const auto kept = raw->shared_from_this();
        kept->on_connected(std::move(fd));
      });
  return std::unique_ptr<TcpConnection>(new TcpConnection(std::move(impl)));
}

Result<std::unique_ptr<TcpConnection>> TcpConnection::adopt(Loop& loop, Fd fd) {
  auto impl = std::make_shared<Impl>(loop);
  if (auto opened = impl->open(std::move(fd)); !opened) {
    return opened.error();
  }
  return std::unique_ptr<TcpConnection>(new TcpConnection(std::move(impl)));
}

TcpConnection::TcpConnection(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

TcpConnection::~TcpConnection() {
  impl_->is_silent = true;
  impl_->shut();
}

void TcpConnection::start(Handlers handlers) {
  ENSURE(impl_->step != Impl::Step::connecting && !impl_->handlers.on_ended);
  impl_->handlers = std::move(handlers);
  if (impl_->step == Impl::Step::accepted) {
    impl_->step = Impl::Step::open;
    impl_->update_reading();
  }
}

void TcpConnection::secure(std::unique_ptr<TlsEngine> engine, ByteView received) {
  impl_->secure(std::move(engine), received);
}

bool TcpConnection::is_secured() const { return impl_->tls && impl_->tls->is_ready(); }

std::string TcpConnection::key_identity() const { return is_secured() ? impl_->tls->identity() : ""; }

void TcpConnection::write(SharedBytes bytes) { impl_->enqueue(std::move(bytes)); }

void TcpConnection::write_at_once(SharedBytes bytes) {
  bytes.view = bytes.view.subspan(impl_->send_at_once(bytes));
  impl_->enqueue(std::move(bytes));
}

std::uint64_t TcpConnection::unsent_bytes() const {
  const std::uint64_t waiting_bytes = impl_->tls ? impl_->tls->waiting_bytes() : 0;
  return impl_->queue.size_bytes() + impl_->in_flight_bytes() + waiting_bytes;
}

std::uint64_t TcpConnection::sent_bytes() const {
  const auto* in_flight = impl_->in_flight;
  return impl_->written_bytes + (in_flight == nullptr ? 0 : in_flight->size_bytes - impl_->in_flight_bytes());
}

std::uint64_t TcpConnection::received_bytes() const { return impl_->received_bytes; }

void TcpConnection::pause_reading() {
  impl_->is_paused = true;
  impl_->update_reading();
}

void TcpConnection::resume_reading() {
  impl_->is_paused = false;
  impl_->update_reading();
}

void TcpConnection::close() { impl_->end({Outcome::cancelled, "closed here"}); }

void TcpConnection::close_after_flush(Duration limit) {
  switch (impl_->step) {
    case Impl::Step::connecting:
      impl_->flush_asked = limit;
      break;
    case Impl::Step::accepted:
    case Impl::Step::open:
      impl_->begin_flushing(limit);
      break;
    case Impl::Step::flushing:
    case Impl::Step::awaiting_peer_end:
    case Impl::Step::ended:
      break;
  }
}

bool TcpConnection::is_closing() const {
  return impl_->flush_asked || impl_->step == Impl::Step::flushing ||
         impl_->step == Impl::Step::awaiting_peer_end || impl_->step == Impl::Step::ended;
}

Result<ReleasedSocket> TcpConnection::release_socket() {
  uv_os_fd_t fd = -1;
  if (impl_->tls) {
    return Error{Outcome::refused, "release a connection: it is secured"};
  }
  if ((impl_->step != Impl::Step::open && impl_->step != Impl::Step::accepted) ||
      uv_fileno(impl_->tcp.handle(), &fd) != 0) {
    return Error{Outcome::failed, "release a connection: it is not open"};
  }
  ReleasedSocket released;
  // A second descriptor of the same socket: libuv closes its own.
  released.fd = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!released.fd) {
    return os_error("release a connection", errno);
  }
  released.unsent = impl_->take_unsent();
  impl_->is_silent = true;
  impl_->shut();
  return released;
}

Endpoint TcpConnection::peer() const { return impl_->peer; }

Endpoint TcpConnection::local() const {
  uv_os_fd_t fd = -1;
  return impl_->tcp && uv_fileno(impl_->tcp.handle(), &fd) == 0 ? local_of(fd) : Endpoint();
}

}  // namespace callboard::net
