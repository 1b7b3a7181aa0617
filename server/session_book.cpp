#include "server/session_book.h"

#include <fmt/format.h>

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
  const Instant due = loop_.now() + within;
  if (timer_.is_set() && due_ <= due) return;
  due_ = due;
  timer_.set_at(due);
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
  work_.submit([bytes = is_last_ ? last_ : outside_.content(),
                write = outside_.write](const std::stop_token&) { return write(bytes); },
               [this](const Result<void>& written) { on_written(written); });
}

void SessionBook::on_written(const Result<void>& written) {
  is_writing_ = false;
  const bool was_failing = std::exchange(is_failing_, !written);
  if (!written && !was_failing) {
    events_.warn(
        fmt::format("sessions are not kept, a restart would end them cause=\"{}\"", written.error().text));
  }
  if (std::exchange(is_changed_, false)) return write();
  if (done_) std::exchange(done_, nullptr)();
}

}  // namespace callboard::server
