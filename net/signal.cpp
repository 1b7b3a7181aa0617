#include "net/signal.h"

#include <string>

#include "net/uv_handle.h"

namespace callboard::net {

struct Signal::Impl : std::enable_shared_from_this<Signal::Impl> {
  std::function<void()> on_signal;
  UvHandle<uv_signal_t> signal;

  static void on_arrival(uv_signal_t* handle, int) noexcept {
    if (auto* impl = owner_of<Impl>(handle)) {
      const auto kept = impl->shared_from_this();
      kept->on_signal();
    }
  }
};

Result<std::unique_ptr<Signal>> Signal::open(Loop& loop, int number, std::function<void()> on_signal) {
  auto impl = std::make_shared<Impl>();
  impl->on_signal = std::move(on_signal);
  int rc = impl->signal.open(impl.get(),
                             [&](uv_signal_t* signal) { return uv_signal_init(loop.native(), signal); });
  if (rc == 0) {
    rc = uv_signal_start(impl->signal.get(), &Impl::on_arrival, number);
  }
  if (rc != 0) {
    return os_error("watch signal " + std::to_string(number), -rc);
  }
  uv_unref(impl->signal.handle());
  return std::unique_ptr<Signal>(new Signal(std::move(impl)));
}

Signal::Signal(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Signal::~Signal() { impl_->signal.reset(); }

}  // namespace callboard::net
