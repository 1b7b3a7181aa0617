#include "server/session_book.h"

#include <algorithm>
#include <utility>

namespace callboard::server {

SessionBook::SessionBook(net::Loop& loop, EventLog& events, Outside outside)
    : loop_(loop),
      events_(events),
      outside_(std::move(outside)),
      timer_(loop, [this] { write(); }),
      work_(loop, 1) {}

void SessionBook::on_change(Duration within) {
  if (!outside_.write || is_last_) return;
  const Instant due = std::max(loop_.now() + within, free_from_);
  if (timer_.is_set() && due_ <= due) return;
  due_ = due;
  timer_.set_at(due);
}

void SessionBook::on_written_now(std::function<void()> then) {
  if (!outside_.write || is_last_) return then();
  waiting_.push_back(std::move(then));
  on_change(0s);
}

void SessionBook::finish(std::function<void()> done) {
  timer_.cancel();
  if (!outside_.write) return done();
  done_ = std::move(done);
  is_last_ = true;
  last_ = outside_.content();
  write();
}

void SessionBook::write() {
  if (is_writing_) {
    is_changed_ = true;
    return;
  }
  is_writing_ = true;
  under_way_ = std::exchange(waiting_, {});
  work_.submit(
      [bytes = is_last_ ? last_ : outside_.content(), write = outside_.write](const std::stop_token&) {
        return write(bytes);
      },
      [this, begun = loop_.now()](const Result<void>& written) { on_written(written, loop_.now() - begun); });
}

void SessionBook::on_written(const Result<void>& written, Duration took) {
  constexpr int kRest = 10;
  constexpr Duration kRestMax = 20ms;
  is_writing_ = false;
  free_from_ = loop_.now() + std::min<Duration>(kRest * took, kRestMax);
  for (const auto& then : std::exchange(under_way_, {})) then();
  const bool was_failing = std::exchange(is_failing_, !written);
  if (!written && !was_failing) {
    events_.warn("sessions are not kept, a restart would end them", {{"cause", written.error().text}});
  }
  if (std::exchange(is_changed_, false)) {
    if (is_last_) return write();
    on_change(0s);
  }
  if (done_) std::exchange(done_, nullptr)();
}

}  // namespace callboard::server
