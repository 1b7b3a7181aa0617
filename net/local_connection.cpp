#include "net/local_connection.h"

#include <array>
#include <utility>

#include "net/uv_handle.h"

namespace callboard::net {
namespace {

// One per thread: a handler is done with its bytes before the next read.
uv_buf_t read_buffer() {
  static thread_local std::array<char, 64 * 1024> buffer;
  return uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
}

}  // namespace

struct LocalConnection::Impl : std::enable_shared_from_this<LocalConnection::Impl> {
  // Owns its bytes until libuv is done with them, whatever became of the connection.
  struct WriteRequest {
    uv_write_t request{};
    Bytes bytes;
    std::weak_ptr<Impl> connection;
  };

  explicit Impl(Loop& on) : loop(on) {}

  Loop& loop;
  Handlers handlers;
  bool is_silent = false;  // Destroyed: no handler is called any more. They stay, as one may be running.
  UvHandle<uv_pipe_t> pipe;

  void end();
  static void on_alloc(uv_handle_t*, std::size_t, uv_buf_t* buffer) noexcept { *buffer = read_buffer(); }
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) noexcept;
  static void on_written(uv_write_t* raw, int rc) noexcept;
};

void LocalConnection::Impl::on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) noexcept {
  auto* impl = owner_of<Impl>(stream);
  if (impl == nullptr || size == 0) return;
  const auto kept = impl->shared_from_this();
  if (size < 0) return kept->end();
  kept->handlers.on_bytes(as_bytes({buffer->base, static_cast<std::size_t>(size)}));
}

void LocalConnection::Impl::on_written(uv_write_t* raw, int rc) noexcept {
  const std::unique_ptr<WriteRequest> request(static_cast<WriteRequest*>(raw->data));
  const auto impl = request->connection.lock();
  if (impl && rc != 0) impl->end();
}

void LocalConnection::Impl::end() {
  if (!pipe) return;
  pipe.reset();
  loop.at_end_of_turn([weak = weak_from_this()] {
    const auto impl = weak.lock();
    if (!impl || impl->is_silent) return;
    // The handlers die with the call: they may hold what owns this connection.
    const Handlers last = std::exchange(impl->handlers, {});
    if (last.on_ended) last.on_ended();
  });
}

Result<std::unique_ptr<LocalConnection>> LocalConnection::adopt(Loop& loop, Fd fd) {
  auto impl = std::make_shared<Impl>(loop);
  int rc =
      impl->pipe.open(impl.get(), [&](uv_pipe_t* handle) { return uv_pipe_init(loop.native(), handle, 0); });
  rc = rc == 0 ? uv_pipe_open(impl->pipe.get(), fd.get()) : rc;
  if (rc != 0) {
    impl->pipe.reset();
    return os_error("accept a connection", -rc);
  }
  static_cast<void>(fd.release());  // The handle closes it.
  return std::unique_ptr<LocalConnection>(new LocalConnection(std::move(impl)));
}

LocalConnection::LocalConnection(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

LocalConnection::~LocalConnection() {
  impl_->pipe.reset();
  impl_->is_silent = true;
}

void LocalConnection::start(Handlers handlers) {
  impl_->handlers = std::move(handlers);
  if (impl_->pipe && uv_read_start(impl_->pipe.stream(), &Impl::on_alloc, &Impl::on_read) != 0) impl_->end();
}

void LocalConnection::write(Bytes bytes) {
  if (!impl_->pipe || bytes.empty()) return;
  auto request = std::make_unique<Impl::WriteRequest>();
  request->bytes = std::move(bytes);
  request->connection = impl_;
  request->request.data = request.get();
  ENSURE(request->bytes.size() <= UINT32_MAX);
  // libuv takes char* and only reads.
  char* data = const_cast<char*>(as_text(request->bytes).data());
  uv_buf_t buffer = uv_buf_init(data, static_cast<unsigned>(request->bytes.size()));
  if (uv_write(&request->request, impl_->pipe.stream(), &buffer, 1, &Impl::on_written) != 0) {
    return impl_->end();
  }
  static_cast<void>(request.release());  // on_written deletes it.
}

std::uint64_t LocalConnection::unsent_bytes() const {
  return impl_->pipe ? uv_stream_get_write_queue_size(impl_->pipe.stream()) : 0;
}

}  // namespace callboard::net
