#include "server/records.h"

#include <fmt/format.h>

#include <utility>

#include "base/limits.h"
#include "protocol/document.h"

namespace callboard::server {
namespace {

// A large document takes 100 ms and more to check; a second thread lets small ones pass.
constexpr std::size_t kCheckThreads = 2;

}  // namespace

Records::Records(net::Loop& loop, std::unique_ptr<Log> log, Recovered recovered, EventLog& events,
                 std::function<void()> on_change)
    : events_(events),
      on_change_(std::move(on_change)),
      board_(std::move(recovered.board)),
      snapshot_sequence_(recovered.snapshot_sequence),
      bytes_since_snapshot_(recovered.bytes_replayed),
      checks_(loop, kCheckThreads),
      log_(std::move(log)) {
  log_->on_commit([this](const Committed& committed) { on_commit(committed); });
}

void Records::write(Operation operation, Done done) {
  if (const auto known = board_.find(operation.id))
    return done(applied_at(operation, {known->sequence, true}));
  if (operation.record == Record::messages) return append(std::move(operation), std::move(done));
  const Document document = operation.value;
  checks_.submit(
      [document](const std::stop_token&) { return protocol::check_document(*document); },
      [this, operation = std::move(operation), done = std::move(done)](Result<void> checked) mutable {
        if (!checked) return done(Error{Outcome::usage, checked.error().text});
        append(std::move(operation), std::move(done));
      });
}

void Records::append(Operation operation, Done done) {
  // Kept for the answer; the document itself is shared.
  const Operation asked = operation;
  log_->append(std::move(operation), [this, asked, done = std::move(done)](const Result<Appended>& place) {
    if (!place) {
      if (!std::exchange(is_failing_, true)) {
        events_.error(fmt::format("write failed, changes are refused cause=\"{}\"", place.error().text));
      }
      return done(place.error());
    }
    if (std::exchange(is_failing_, false)) events_.info("writes succeed again");
    done(applied_at(asked, *place));
  });
}

Result<Applied> Records::applied_at(const Operation& operation, const Appended& place) const {
  auto applied = board_.find(operation.id);
  if (!applied) {
    // From so long ago that only the log remembers it; what counts is whether it still stands.
    const bool is_document = operation.record != Record::messages;
    const bool stands = is_document && board_.head(operation.record).operation == operation.id;
    return Applied{operation.id, place.sequence, operation.record, stands, 0, operation.timestamp};
  }
  if (applied->record != operation.record) {
    return Error{Outcome::usage, "op: this operation id was used for another record"};
  }
  return *applied;
}

void Records::on_commit(const Committed& committed) {
  board_.apply(committed.sequence, committed.operation);
  bytes_since_snapshot_ += committed.operation.value->size();
  const bool is_long = board_.sequence() - snapshot_sequence_ >= kSnapshotOperations;
  if (!is_snapshot_under_way_ && (is_long || bytes_since_snapshot_ >= kSnapshotBytes)) snapshot([] {});
  on_change_();
}

void Records::snapshot(std::function<void()> done) {
  is_snapshot_under_way_ = true;
  snapshot_sequence_ = board_.sequence();
  bytes_since_snapshot_ = 0;
  log_->snapshot(
      board_.sequence(), [board = board_] { return board.encoded(); },
      [this, done = std::move(done)](const Result<void>& made) {
        is_snapshot_under_way_ = false;
        // The log itself is whole: the next start reads more of it.
        if (!made) events_.warn(fmt::format("snapshot failed cause=\"{}\"", made.error().text));
        done();
      });
}

void Records::finish(std::function<void()> done) {
  if (board_.sequence() == snapshot_sequence_ && !is_snapshot_under_way_) return done();
  snapshot(std::move(done));
}

}  // namespace callboard::server
