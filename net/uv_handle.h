#pragma once

#include <uv.h>

#include <memory>
#include <string_view>

#include "base/error.h"

// The one way libuv handles are owned in net/. Private to net/: the only header that includes uv.h.
namespace callboard::net {

// The heap memory of one handle. It is freed when the handle is closed *and* its owner has let go, whichever is later, so
// that neither order of destroying a Loop and what lives on it touches freed memory.
class HandleBox {
 public:
  HandleBox() = default;
  HandleBox(const HandleBox&) = delete;
  HandleBox& operator=(const HandleBox&) = delete;
  virtual ~HandleBox() = default;

  // Begins to close a handle whose data is a HandleBox; nothing if that was done before.
  static void close(uv_handle_t* handle) noexcept {
    if (uv_is_closing(handle) == 0) {
      uv_close(handle, &HandleBox::on_closed);
    }
  }

  void* owner = nullptr;
  bool has_owner = true;
  bool is_closed = false;

 private:
  static void on_closed(uv_handle_t* handle) noexcept {
    auto* box = static_cast<HandleBox*>(handle->data);
    box->is_closed = true;
    if (!box->has_owner) {
      delete box;
    }
  }
};

// A handle of type T (uv_tcp_t, uv_timer_t, ...). Closed on destruction.
template <class T>
class UvHandle {
 public:
  UvHandle() = default;
  ~UvHandle() { reset(); }
  UvHandle(const UvHandle&) = delete;
  UvHandle& operator=(const UvHandle&) = delete;

  // `init` calls uv_*_init on the pointer it gets; returns its result. `owner` is what owner_of() gives to callbacks.
  template <class Init>
  int open(void* owner, Init init) {
    reset();
    auto box = std::make_unique<Box>();
    const int rc = init(&box->handle);
    if (rc != 0) {
      return rc;
    }
    box->owner = owner;
    box->handle.data = static_cast<HandleBox*>(box.get());
    box_ = box.release();
    return 0;
  }

  void reset() noexcept {
    Box* box = box_;
    box_ = nullptr;
    if (box == nullptr) {
      return;
    }
    box->has_owner = false;
    if (box->is_closed) {
      delete box;
      return;
    }
    HandleBox::close(reinterpret_cast<uv_handle_t*>(&box->handle));
  }

  T* get() const { return &box_->handle; }
  uv_handle_t* handle() const { return reinterpret_cast<uv_handle_t*>(&box_->handle); }
  uv_stream_t* stream() const { return reinterpret_cast<uv_stream_t*>(&box_->handle); }
  explicit operator bool() const { return box_ != nullptr; }

 private:
  struct Box final : HandleBox {
    T handle{};
  };
  Box* box_ = nullptr;
};

// The object that opened the handle; null once that has let go.
template <class Owner, class T>
Owner* owner_of(T* handle) {
  auto* box = static_cast<HandleBox*>(handle->data);
  return box->has_owner ? static_cast<Owner*>(box->owner) : nullptr;
}

}  // namespace callboard::net
