#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "net/loop.h"
#include "net/work_queue.h"
#include "server/board/board.h"
#include "server/board/log.h"
#include "server/board/recovery.h"
#include "server/event_log.h"

namespace callboard::server {

// The way of a write: known already? → a document is checked on a worker → appended to the log → applied to the board,
// in the order of the log → answered. Also keeps the log short by snapshots. Loop thread only.
class Records {
 public:
  using Done = std::function<void(const Result<Applied>&)>;

  // `on_change` is called after operations were applied.
  Records(net::Loop& loop, std::unique_ptr<Log> log, Recovered recovered, EventLog& events,
          std::function<void()> on_change);

  const Board& board() const { return board_; }

  // Answered once, perhaps within the call, unless this object is destroyed before. The same operation again gets the
  // answer it got.
  void write(Operation operation, Done done);
  // Once, last: `done` when the log has a snapshot of all that was applied.
  void finish(std::function<void()> done);

 private:
  void append(Operation operation, Done done);
  void on_commit(const Committed& committed);
  void snapshot(std::function<void()> done);
  Result<Applied> applied_at(const Operation& operation, const Appended& place) const;

  EventLog& events_;
  std::function<void()> on_change_;
  Board board_;
  std::uint64_t snapshot_sequence_ = 0;
  std::uint64_t bytes_since_snapshot_ = 0;
  bool is_snapshot_under_way_ = false;
  bool is_failing_ = false;  // The last append failed: logged once until one succeeds.
  net::WorkQueue checks_;
  std::unique_ptr<Log> log_;  // Last: its answers use the others.
};

}  // namespace callboard::server
