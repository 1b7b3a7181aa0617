#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "server/board/history.h"
#include "server/board/operation.h"

namespace callboard::server {

struct Appended {
  std::uint64_t sequence = 0;
  bool repeated = false;  // The operation's id stood in the log already, at `sequence`.
};

struct Committed {
  std::uint64_t sequence = 0;
  Operation operation;
};

// A board's whole state after the operation `sequence`; 0 and empty when there is none.
struct LogSnapshot {
  std::uint64_t sequence = 0;
  Bytes state;
};

// What is kept of each document's history: all that is younger than `age` while it is smaller than `size_bytes`, and the
// newest `revisions` of each document in any case. Of the changes of records, all classes together, the same without those.
struct Retention {
  Duration age = std::chrono::hours(24 * 365);
  std::uint64_t size_bytes = 1024 * MiB;
  std::uint64_t revisions = 1000;
};

// The ordered log that a board is folded from. Append, snapshot and their answers belong to the loop thread; answers
// never arrive from within the call. What is acknowledged survives the process and the machine.
class Log {
 public:
  using AppendDone = std::function<void(Result<Appended>)>;
  using CommitHandler = std::function<void(Committed)>;
  using Done = std::function<void(Result<void>)>;
  using TrimDone = std::function<void(Result<std::uint64_t> forgotten)>;
  using Visit = std::function<Result<void>(Committed)>;
  using BrokenHandler = std::function<void(const Error&)>;

  virtual ~Log() = default;

  // Called for every operation once it is durable, in the order of the log, before its own `AppendDone`.
  virtual void on_commit(CommitHandler handler) = 0;
  // Called when what the log wrote turns out to be damaged: nothing that is written then can be relied on.
  virtual void on_broken(BrokenHandler) {}
  // The error says why the operation is not (known to be) in the log; a later append may succeed again.
  virtual void append(Operation operation, AppendDone done) = 0;
  // All of them or none, one after the other with nothing between; at least one. Answered with the place of the last.
  virtual void append_together(std::vector<Operation> operations, AppendDone done) = 0;
  // Keeps a snapshot, so that a start reads only what came after it. `encode` runs on a thread of the log's.
  virtual void snapshot(std::uint64_t sequence, std::function<Bytes()> encode, Done done) = 0;
  // Why nothing is written yet since it was opened: what is there is read, and appends may succeed later. nullopt: it is.
  virtual std::optional<Error> why_read_only() const { return std::nullopt; }
  // Whether so much more could be written.
  virtual void check_room(std::uint64_t size_bytes, Done done) = 0;
  // The database is damaged: what is written ahead of it is done to it no more, also when the log ends.
  virtual void keep_ahead() = 0;
  // Makes a snapshot from elsewhere the beginning of this log. Refused when the log goes beyond it.
  virtual void install(LogSnapshot snapshot, Done done) = 0;

  // Keeps a document (its bytes) as it was after operation `sequence`, so that the history is read from there.
  virtual void keyframe(Record record, std::uint64_t sequence, std::function<Bytes()> encode, Done done) = 0;
  // Forgets old operations on documents, those before a keyframe only, some at a time: appends go between.
  // Answered with how many that were.
  virtual void trim(const Retention& retention, Timestamp now, TrimDone done) = 0;
  // A reader of its own for another thread; it must be gone before the log. Blocking.
  virtual Result<std::unique_ptr<History>> open_history() = 0;

  // Blocking; for the start of a server and for tools, never for a running loop.
  virtual Result<LogSnapshot> newest_snapshot() = 0;
  // After which operation the document's newest keyframe is; 0: it has none.
  virtual Result<std::uint64_t> newest_keyframe(Record record) = 0;
  // Visits all operations from `sequence` on, in order; ends early with the visitor's error.
  virtual Result<void> read_from(std::uint64_t sequence, const Visit& visit) = 0;
};

}  // namespace callboard::server
