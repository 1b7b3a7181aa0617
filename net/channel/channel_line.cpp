#include "net/channel/channel_line.h"

#include <utility>

#include "base/limits.h"

namespace callboard::channel {
namespace {

// The server tells how a channel ended right after its connection broke.
constexpr Duration kWordLimit = 2s;

}  // namespace

void ChannelLine::end(const Error& why) {
  {
    const std::lock_guard lock(mutex_);
    if (!why_) why_ = why;
    is_ended_ = true;
    abandon_ = nullptr;
  }
  told_.notify_all();
  socket.interrupt();
}

void ChannelLine::note_over(const Error& why) {
  {
    const std::lock_guard lock(mutex_);
    if (!why_) why_ = why;
    abandon_ = nullptr;
  }
  told_.notify_all();
}

Error ChannelLine::cause_of(const Error& broke) {
  std::unique_lock lock(mutex_);
  told_.wait_for(lock, kWordLimit, [this] { return why_.has_value(); });
  return why_ && why_->outcome != Outcome::done ? *why_ : broke;
}

bool ChannelLine::await_word(std::optional<Duration> limit) {
  std::unique_lock lock(mutex_);
  return told_.wait_for(lock, limit.value_or(kWordLimit), [this] { return why_.has_value(); });
}

bool ChannelLine::is_ended() const {
  const std::lock_guard lock(mutex_);
  return is_ended_;
}

void ChannelLine::set_abandon(std::function<void(const Error&)> abandon) {
  const std::lock_guard lock(mutex_);
  if (!why_) abandon_ = std::move(abandon);
}

// Under the lock: end(), after which the client may be gone, waits for it.
void ChannelLine::abandon(const Error& why) {
  const std::lock_guard lock(mutex_);
  if (const auto say = std::exchange(abandon_, nullptr)) say(why);
}

}  // namespace callboard::channel
