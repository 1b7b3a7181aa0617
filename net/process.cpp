#include "net/process.h"

#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <optional>
#include <utility>

#include "base/fd.h"
#include "base/text.h"
#include "net/sigpipe.h"
#include "net/uv_handle.h"

namespace callboard::net {
namespace {

// One per thread: a handler is done with its bytes before the next read.
uv_buf_t output_buffer() {
  static thread_local std::array<char, 64 * 1024> buffer;
  return uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
}

// For a process that has ended while one of its own still holds its output.
constexpr std::uint64_t kOutputPatienceMs = 500;

}  // namespace

struct Process::Impl : std::enable_shared_from_this<Process::Impl> {
  // Owns its bytes until libuv is done with them, whatever became of the process.
  struct WriteRequest {
    uv_write_t request{};
    Bytes bytes;
    std::weak_ptr<Impl> process;
  };

  explicit Impl(Loop& on) : loop(on) {}

  Loop& loop;
  Handlers handlers;
  bool is_silent = false;  // Destroyed: no handler is called any more. They stay, as one may be running.
  UvHandle<uv_process_t> child;
  UvHandle<uv_pipe_t> input;
  UvHandle<uv_pipe_t> output;
  UvHandle<uv_pipe_t> error_output;
  UvHandle<uv_timer_t> patience;
  std::optional<Ending> ending;

  int open();
  int spawn(const Options& options);
  void read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer);
  void signal(int number);
  // Both outputs and the process itself are over: says so.
  void end_if_over();

  static void on_alloc(uv_handle_t*, std::size_t, uv_buf_t* buffer) noexcept { *buffer = output_buffer(); }
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) noexcept;
  static void on_written(uv_write_t* raw, int rc) noexcept;
  static void on_exit(uv_process_t* handle, std::int64_t exit_code, int signal) noexcept;
  static void on_patience(uv_timer_t* timer) noexcept;
};

int Process::Impl::open() {
  for (auto* pipe : {&input, &output, &error_output}) {
    const int rc =
        pipe->open(this, [&](uv_pipe_t* handle) { return uv_pipe_init(loop.native(), handle, 0); });
    if (rc != 0) return rc;
  }
  return patience.open(this, [&](uv_timer_t* timer) { return uv_timer_init(loop.native(), timer); });
}

int Process::Impl::spawn(const Options& options) {
  std::vector<char*> arguments;
  // libuv takes char* and only reads.
  for (const std::string& each : options.command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  std::array<uv_stdio_container_t, 3> stdio{};
  stdio[0].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_READABLE_PIPE);
  stdio[0].data.stream = input.stream();
  stdio[1].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
  stdio[1].data.stream = output.stream();
  stdio[2].flags = stdio[1].flags;
  stdio[2].data.stream = error_output.stream();
  uv_process_options_t spawning{};
  spawning.exit_cb = &Impl::on_exit;
  spawning.file = arguments.front();
  spawning.args = arguments.data();
  // Ctrl-C on our terminal is for us alone: it would end the child in the middle of what it does.
  spawning.flags = UV_PROCESS_DETACHED;
  spawning.stdio = stdio.data();
  spawning.stdio_count = static_cast<int>(stdio.size());
  close_descriptors_at_exec();
  // A handle that did not spawn is the loop's all the same, and is closed like any other.
  int rc = 0;
  ENSURE(child.open(this, [&](uv_process_t* handle) {
    rc = uv_spawn(loop.native(), handle, &spawning);
    return 0;
  }) == 0);
  if (rc != 0) child.reset();
  return rc;
}

void Process::Impl::on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) noexcept {
  auto* impl = owner_of<Impl>(stream);
  if (impl == nullptr || size == 0) return;
  const auto kept = impl->shared_from_this();
  kept->read(stream, size, buffer);
}

void Process::Impl::read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  const bool is_output = output && stream == output.stream();
  if (size < 0) {
    (is_output ? output : error_output).reset();
    if (is_output && !ending && !is_silent && handlers.on_output_closed) handlers.on_output_closed();
    return end_if_over();
  }
  const auto& handler = is_output ? handlers.on_output : handlers.on_error_output;
  if (handler && !is_silent) handler(as_bytes({buffer->base, static_cast<std::size_t>(size)}));
}

void Process::Impl::on_written(uv_write_t* raw, int rc) noexcept {
  const std::unique_ptr<WriteRequest> request(static_cast<WriteRequest*>(raw->data));
  const auto impl = request->process.lock();
  if (impl && rc != 0) impl->input.reset();
}

void Process::Impl::on_exit(uv_process_t* handle, std::int64_t exit_code, int signal) noexcept {
  auto* impl = owner_of<Impl>(handle);
  if (impl == nullptr) return;
  const auto kept = impl->shared_from_this();
  kept->ending = Ending{exit_code, signal};
  kept->child.reset();
  kept->input.reset();
  uv_timer_start(kept->patience.get(), &Impl::on_patience, kOutputPatienceMs, 0);
  kept->end_if_over();
}

void Process::Impl::on_patience(uv_timer_t* timer) noexcept {
  auto* impl = owner_of<Impl>(timer);
  if (impl == nullptr) return;
  const auto kept = impl->shared_from_this();
  kept->output.reset();
  kept->error_output.reset();
  kept->end_if_over();
}

void Process::Impl::end_if_over() {
  if (!ending || output || error_output || !patience) return;
  patience.reset();
  loop.at_end_of_turn([weak = weak_from_this()] {
    const auto impl = weak.lock();
    if (!impl || impl->is_silent) return;
    // The handlers die with the call: they may hold what owns this process.
    const Handlers last = std::exchange(impl->handlers, {});
    if (last.on_ended) last.on_ended(*impl->ending);
  });
}

void Process::Impl::signal(int number) {
  // A process that has ended already needs none.
  if (child) static_cast<void>(uv_process_kill(child.get(), number));
}

Result<std::unique_ptr<Process>> Process::start(Loop& loop, const Options& options, Handlers handlers) {
  ENSURE(!options.command.empty());
  auto impl = std::make_shared<Impl>(loop);
  int rc = impl->open();
  rc = rc == 0 ? impl->spawn(options) : rc;
  if (rc == 0) rc = uv_read_start(impl->output.stream(), &Impl::on_alloc, &Impl::on_read);
  if (rc == 0) rc = uv_read_start(impl->error_output.stream(), &Impl::on_alloc, &Impl::on_read);
  if (rc != 0) return os_error("start " + quoted(options.command.front()), -rc);
  impl->handlers = std::move(handlers);
  return std::unique_ptr<Process>(new Process(std::move(impl)));
}

Process::Process(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Process::~Process() {
  impl_->is_silent = true;
  if (!impl_->child) return;
  const pid_t id = uv_process_get_pid(impl_->child.get());
  impl_->signal(SIGKILL);
  impl_->child.reset();
  // Mostly it is not dead yet; who it belongs to when this process ends takes it then.
  static_cast<void>(::waitpid(id, nullptr, WNOHANG));
}

std::int64_t Process::id() const { return impl_->child ? uv_process_get_pid(impl_->child.get()) : 0; }

void Process::write(Bytes bytes) {
  if (!impl_->input || bytes.empty()) return;
  auto request = std::make_unique<Impl::WriteRequest>();
  request->bytes = std::move(bytes);
  request->process = impl_;
  request->request.data = request.get();
  ENSURE(request->bytes.size() <= UINT32_MAX);
  // libuv takes char* and only reads.
  char* data = const_cast<char*>(as_text(request->bytes).data());
  uv_buf_t buffer = uv_buf_init(data, static_cast<unsigned>(request->bytes.size()));
  // It may have ended already, and the loop, which keeps it away otherwise, need not run.
  const SigpipeGuard guard;
  if (uv_write(&request->request, impl_->input.stream(), &buffer, 1, &Impl::on_written) != 0) {
    return impl_->input.reset();
  }
  static_cast<void>(request.release());  // on_written deletes it.
}

std::uint64_t Process::unsent_bytes() const {
  return impl_->input ? uv_stream_get_write_queue_size(impl_->input.stream()) : 0;
}

void Process::close_input() {
  if (!impl_->input) return;
  // Closing at once would drop what is unsent: the empty write's turn comes after all others.
  if (unsent_bytes() == 0) return impl_->input.reset();
  auto request = std::make_unique<uv_shutdown_t>();
  const auto on_shut = [](uv_shutdown_t* raw, int) noexcept {
    const std::unique_ptr<uv_shutdown_t> owned(raw);
    auto* impl = owner_of<Impl>(owned->handle);
    if (impl != nullptr) impl->input.reset();
  };
  if (uv_shutdown(request.get(), impl_->input.stream(), on_shut) != 0) return impl_->input.reset();
  static_cast<void>(request.release());  // The callback deletes it.
}

void Process::terminate() { impl_->signal(SIGTERM); }
void Process::kill() { impl_->signal(SIGKILL); }

std::string to_text(const Process::Ending& ending) {
  return ending.signal != 0 ? "signal " + std::to_string(ending.signal)
                            : "exit code " + std::to_string(ending.exit_code);
}

}  // namespace callboard::net
