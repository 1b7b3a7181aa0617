#include "net/alarm.h"

#include <utility>

#include "base/ensure.h"
#include "net/uv_handle.h"

namespace callboard::net {

struct Alarm::Impl : std::enable_shared_from_this<Alarm::Impl> {
  std::function<void()> on_raised;
  UvHandle<uv_async_t> handle;

  explicit Impl(std::function<void()> callback) : on_raised(std::move(callback)) {}

  static void on_async(uv_async_t* handle) noexcept {
    if (auto* impl = owner_of<Impl>(handle)) {
      const auto kept = impl->shared_from_this();
      kept->on_raised();
    }
  }
};

Alarm::Alarm(Loop& loop, std::function<void()> on_raised)
    : impl_(std::make_shared<Impl>(std::move(on_raised))) {
  ENSURE(impl_->handle.open(impl_.get(), [&](uv_async_t* handle) {
    return uv_async_init(loop.native(), handle, &Impl::on_async);
  }) == 0);
  uv_unref(impl_->handle.handle());
}

Alarm::~Alarm() { impl_->handle.reset(); }

void Alarm::raise() noexcept { uv_async_send(impl_->handle.get()); }

}  // namespace callboard::net
