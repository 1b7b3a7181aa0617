#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/within_memory.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/work_queue.h"
#include "server/board/board.h"
#include "server/board/log.h"
#include "server/board/recovery.h"
#include "server/drafts.h"
#include "server/editions.h"
#include "server/event_log.h"
#include "server/newest_then.h"

namespace callboard::server {

class OwnChanges;

// The way of a write: known already? → given its stamp → read against what its author had, large ones on a worker →
// appended to the log → applied to the board, in the order of the log → answered. Also keeps the log short by snapshots,
// and reads the history. Loop thread only.
class Records {
 public:
  using Done = std::function<void(const Result<Applied>&)>;
  struct Handlers {
    std::function<void()> on_change;  // Operations were applied, or texts are ready.
    // Of a Record::record; on_change is not called for it.
    std::function<void(const Operation&, const Applied&)> on_record;
    std::function<void(const Conflict&)> on_conflict;  // Found or changed by an operation just applied.
    std::function<void(const Error*)> on_writable;     // Whether the disk takes writes; null: again.
  };
  struct Options {
    Retention retention;
    const Clock& clock = system_clock();
    Duration probe_period = kDiskProbePeriod;
  };

  Records(net::Loop& loop, std::unique_ptr<Log> log, Recovered recovered, EventLog& events, Options options,
          Handlers handlers);
  ~Records();

  const Board& board() const { return board_; }
  Editions& editions() { return editions_; }
  // Why no changes are taken; null when they are.
  const Error* failure() const { return failure_ ? &*failure_ : nullptr; }

  // Answered once, perhaps within the call, unless this object is destroyed before. The same operation again gets the
  // answer it got. The operation's timestamp is what the author's clock says, corrected.
  void write(Draft draft, Done done);
  // Operations on records, all or none: each has a new id. Answered with what became of the last.
  void write_together(std::vector<Operation> operations, Done done);
  // Makes a snapshot, where there is anything new, and forgets what the retention does not keep. Answered once, perhaps within the
  // call, with how many operations that were. locked: it is under way already.
  using TidyDone = std::function<void(const Result<std::uint64_t>& forgotten)>;
  void tidy(TidyDone done);
  // What the log wrote is damaged, or cannot be read: no changes are taken by this process any more.
  void on_broken(const Error& why);
  // Once, last: `done` when the log has a snapshot of all that was applied.
  void finish(std::function<void()> done);

  // What is done with the history, on a thread of its own; `deliver` on the loop.
  template <class Work, class Deliver>
  void read_history(Work work, Deliver deliver) {
    using Read = decltype(work(std::declval<History&>()));
    using ReadAndBroken = std::pair<Read, bool>;
    history_work_.submit(
        [this, work = std::move(work)](const std::stop_token&) -> ReadAndBroken {
          bool is_broken = false;
          Read read = within_memory([&]() -> Read {
            auto history = open_history();
            is_broken = !history && history.error().outcome == Outcome::failed;
            if (!history) return history.error();
            // What is to be used once is closed also where that finds no memory.
            Read found = within_memory([&]() -> Read { return work(**history); });
            is_broken = !found && (*history)->is_broken();
            if ((*history)->is_for_once()) history_.reset();
            return found;
          });
          return {std::move(read), is_broken};
        },
        [this, deliver = std::move(deliver)](ReadAndBroken read) mutable {
          if (read.second) on_broken(read.first.error());
          deliver(std::move(read.first));
        });
  }

 private:
  // Of one document, since its last keyframe.
  struct SinceKeyframe {
    std::uint64_t operations = 0;
    std::uint64_t bytes = 0;
    bool is_under_way = false;
  };

  // What its answer needs of an operation.
  struct Asked {
    UniqueId id;
    Record record = Record::story;
    Timestamp timestamp;
  };

  void stamp(Operation& operation);
  bool raise_stamp(Operation& operation, const Stamp& above);
  void find_own(Draft draft, Done done);
  void find_sources(Draft draft, const OwnChanges* own, Done done);
  void find_seen(const Operation& operation, const OwnChanges* own, DraftSources& sources) const;
  void finish_draft(Draft draft, DraftSources sources, Done done);
  void append_finished(Result<Operation> operation, std::uint64_t base, Done done);
  void append(std::vector<Operation> operations, Done done);
  void on_disk_failed(const Error& why, std::uint64_t size_bytes = 0);
  void on_disk_written();
  void probe();
  void append_document(Operation operation, Done done);
  bool has_room_for(const Operation& operation) const;
  void on_commit(Committed committed);
  void on_document(const Committed& committed, const Applied& applied);
  void keep_keyframe(Record record);
  void snapshot(Log::Done done);
  void trim(const TidyDone& done);
  Result<Applied> applied_at(const Asked& asked, const Appended& place) const;
  // Worker thread of history_work_ only.
  Result<History*> open_history();

  EventLog& events_;
  Options options_;
  Handlers handlers_;
  Board board_;
  Editions editions_;
  std::uint64_t snapshot_sequence_ = 0;
  std::uint64_t bytes_since_snapshot_ = 0;
  std::array<SinceKeyframe, 2> since_keyframe_;
  // On their way to the log, by document, in its order.
  struct UnderWay {
    std::deque<Operation> operations;
    std::uint64_t bytes = 0;
    std::uint64_t values = 0;
  };
  std::array<UnderWay, 2> under_way_;
  // By document, as all that is under way.
  std::array<NewestThen, 2> newest_then_;
  std::array<std::unordered_map<SessionId, Stamp>, 2> newest_of_;
  bool is_snapshot_under_way_ = false;
  bool is_trim_under_way_ = false;
  std::optional<Error> failure_;   // The disk takes no writes: logged and told once until it does.
  std::uint64_t room_wanted_ = 0;  // By the largest of those that failed.
  bool is_broken_ = false;         // And never will, here.
  net::Timer probe_;
  net::WorkQueue drafts_;
  std::unique_ptr<Log> log_;  // Its answers use the others.
  std::unique_ptr<History> history_;
  net::WorkQueue history_work_;  // Last: it uses history_ and log_.
};

}  // namespace callboard::server
