#include "server/store/log_worker.h"

#include <optional>
#include <string>

#include "base/limits.h"
#include "base/within_memory.h"
#include "server/store/board_files.h"
#include "server/store/disk_room.h"
#include "server/store/operation_rows.h"
#include "server/store/snapshot_rows.h"
#include "server/store/sqlite_history.h"

namespace callboard::server {
namespace {

// 16 MiB of 4 KiB pages: a commit's own work stays small beside copying that back now and then.
constexpr int kCheckpointPages = 4096;

}  // namespace

LogWorker::LogWorker(DataFolder folder, Database database, bool is_as_left, Post post,
                     std::shared_ptr<LogAnswers> answers)
    : folder_(std::move(folder)),
      database_(std::move(database)),
      post_(std::move(post)),
      answers_(std::move(answers)),
      is_closed_(is_as_left) {}

LogWorker::~LogWorker() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  wake();
  if (!thread_.joinable()) return;
  thread_.join();
  // Nobody hears of it any more.
  static_cast<void>(held_.check([this] { write_back(); }));
  answers_->is_closed = true;
}

Result<void> LogWorker::start() {
  if (auto ready = is_closed_ ? Result<void>() : prepare_statements(); !ready) return ready;
  auto last = last_sequence(database_);
  if (!last) return last.error();
  last_ = *last;
  if (auto held = held_.hold(folder_.database()); !held) return held;
  if (is_closed_) held_.forget_log();  // No connection of ours keeps it there.
  thread_ = std::thread([this] { run(); });
  return {};
}

bool LogWorker::submit(std::vector<Operation> operations, Log::AppendDone done) {
  std::uint64_t size_bytes = 0;
  for (const Operation& each : operations) size_bytes += each.value->size();
  {
    const std::lock_guard lock(mutex_);
    if (waiting_appends_ >= kAppendsWaitingMax || waiting_bytes_ + size_bytes > kAppendBytesWaitingMax)
      return false;
    waiting_appends_ += operations.size();
    waiting_bytes_ += size_bytes;
    for (std::size_t i = 0; i + 1 < operations.size(); ++i)
      queue_.emplace_back(Append{std::move(operations[i]), [](const Result<Appended>&) {}, true});
    queue_.emplace_back(Append{std::move(operations.back()), std::move(done)});
  }
  return true;
}

void LogWorker::post(Task answer) {
  post_([answers = answers_, answer = std::move(answer)] {
    if (!answers->is_closed) answer();
  });
}

// The file may be gone, and not damaged: then it gets what is written ahead of it.
void LogWorker::keep_ahead() {
  static_cast<void>(held_.check([this] { write_back(); }));
  if (held_.is_gone()) return;
  keeps_ahead_ = true;
  if (why_broken_.text.empty()) why_broken_ = {Outcome::failed, "the database is damaged"};
  if (!is_closed_) database_.keep_ahead();
}

// The file that is open has then all that was written ahead of it, whatever name it has now.
void LogWorker::write_back() {
  if (!is_closed_ && !keeps_ahead_) database_.checkpoint();
}

void LogWorker::run() {
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return is_closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      if (auto* front = std::get_if<Task>(&queue_.front())) {
        task = std::move(*front);
        queue_.pop_front();
      }
    }
    if (task) {
      task();
    } else {
      commit(take_group());
    }
    if (!is_broken_ && !is_closed_ && !keeps_ahead_ &&
        database_.wal_pages() >= (is_calm() ? Database::kWalRoomPages : kCheckpointPages))
      database_.checkpoint();
  }
}

// Nobody waits: what has to be done now and then is done now.
bool LogWorker::is_calm() {
  const std::lock_guard lock(mutex_);
  return queue_.empty();
}

LogWorker::Group LogWorker::take_group() {
  Group group;
  std::uint64_t size_bytes = 0;
  const std::lock_guard lock(mutex_);
  const auto goes_on = [&] {
    if (!group.appends.empty() && group.appends.back().is_with_next) return true;
    return group.appends.size() < kCommitGroupOperations && size_bytes < kCommitGroupDocumentBytes;
  };
  while (!queue_.empty() && goes_on()) {
    if (auto* extra = std::get_if<Extra>(&queue_.front())) {
      group.extras.push_back(std::move(*extra));
    } else if (auto* append = std::get_if<Append>(&queue_.front())) {
      size_bytes += append->operation.value->size();
      group.appends.push_back(std::move(*append));
    } else {
      break;
    }
    queue_.pop_front();
  }
  waiting_appends_ -= group.appends.size();
  waiting_bytes_ -= size_bytes;
  return group;
}

void LogWorker::commit(Group group) {
  if (is_broken_ || is_closed_) reopen();
  std::vector<Result<void>> kept;
  auto written = write(group, kept);
  if (written) {
    answer(std::move(*written));
  } else {
    const bool is_damaged = held_.is_gone() || database_.is_damaged();
    insert_.reset();
    find_.reset();
    database_.roll_back();
    // Whether a commit that failed half-way counts is only known after reading the write-ahead log again.
    is_broken_ = true;
    why_broken_ = written.error();
    const Error why = written.error().prefixed("write to the project's log");
    if (is_damaged) {
      keep_ahead();
      post([answers = answers_, why] {
        if (answers->on_broken) answers->on_broken(why);
      });
    }
    kept.assign(group.extras.size(), why);
    refuse(std::move(group.appends), why);
  }
  for (std::size_t i = 0; i < group.extras.size(); ++i)
    post([done = std::move(group.extras[i].done), result = kept[i]] { done(result); });
}

// On an error `group` is as it was.
Result<std::vector<LogWorker::Written>> LogWorker::write(Group& group, std::vector<Result<void>>& kept) {
  if (is_broken_) return why_broken_;
  if (auto same = held_.check([this] { write_back(); }); !same) return same.error();
  if (auto begun = database_.run("BEGIN IMMEDIATE"); !begun) return begun.error();
  std::vector<Appended> places;
  const std::uint64_t last = last_;
  for (const Append& append : group.appends) {
    auto place = insert(append.operation);
    if (place) places.push_back(*place);
    if (!place) {
      last_ = last;
      return place.error();
    }
  }
  for (const Extra& extra : group.extras) kept.push_back(within_memory(extra.write));
  if (auto committed = database_.run("COMMIT"); !committed) {
    last_ = last;
    return committed.error();
  }
  std::vector<Written> written;
  written.reserve(group.appends.size());
  for (std::size_t i = 0; i < group.appends.size(); ++i)
    written.push_back({std::move(group.appends[i]), places[i]});
  return written;
}

Result<Appended> LogWorker::insert(const Operation& operation) {
  const Bytes id = bytes_of(operation.id);
  insert_.reset();
  insert_.bind(0, last_ + 1).bind(1, ByteView(id)).bind(2, operation.session.value);
  insert_.bind(3, std::string_view(operation.user)).bind(4, operation.timestamp.ms);
  insert_.bind(5, static_cast<std::uint64_t>(operation.record)).bind(6, operation.base);
  insert_.bind(7, as_bytes(*operation.value)).bind(8, std::uint64_t{operation.counter});
  insert_.bind(9, static_cast<std::uint64_t>(operation.form)).bind(10, operation.settles);
  insert_.bind(11, std::string_view(operation.path));
  auto inserted = insert_.step();
  if (!inserted) return inserted.error();
  const bool is_new = database_.changes() == 1;
  insert_.reset();
  if (is_new) return Appended{++last_, false};
  find_.reset();
  find_.bind(0, ByteView(id));
  auto row = find_.step();
  if (!row) return row.error();
  if (!*row)
    return Error{Outcome::failed,
                 "the database is damaged: sequence " + std::to_string(last_ + 1) + " is taken"};
  const Appended place{find_.u64(0), true};
  find_.reset();
  return place;
}

void LogWorker::answer(std::vector<Written> written) {
  auto shared = std::make_shared<std::vector<Written>>(std::move(written));
  post([answers = answers_, shared] {
    for (Written& one : *shared) {
      if (one.place.repeated) continue;
      if (answers->on_commit) answers->on_commit({one.place.sequence, std::move(one.append.operation)});
    }
    for (Written& one : *shared) one.append.done(one.place);
  });
}

void LogWorker::refuse(std::vector<Append> group, const Error& why) {
  auto shared = std::make_shared<std::vector<Append>>(std::move(group));
  post([shared, why] {
    for (Append& append : *shared) append.done(why);
  });
}

void LogWorker::reopen() {
  insert_ = Statement();
  find_ = Statement();
  const auto opened = open_anew();
  is_broken_ = !opened;
  if (!opened) why_broken_ = opened.error();
}

Result<void> LogWorker::open_anew() {
  // Another connection would do what is written ahead to it.
  if (keeps_ahead_) return why_broken_;
  if (is_closed_) held_.forget_log();  // Nor did one keep it there since.
  if (auto same = held_.check([this] { write_back(); }); !same) return same;
  {
    const std::unique_lock gate(gate_);
    // The old connection must be gone first: its locks are the process's, and the last one to close tidies up the log.
    { const Database closed = std::move(database_); }
    held_.forget_log();
    auto opened = Database::open(folder_.database(), Database::Missing::fails);
    is_closed_ = !opened;
    if (!opened) return lack_of_room(folder_.path(), kDiskRoomMin).value_or(opened.error());
    database_ = std::move(*opened);
  }
  // What was there is in it, or it is another one under the same name.
  const auto last = last_sequence(database_);
  if (!last) return last.error();
  if (*last < last_) held_.set_gone();
  if (auto same = held_.check([] {}); !same) return same;
  if (auto ready = prepare_statements(); !ready) return ready;
  is_broken_ = false;
  return tell_missed();
}

// What the failed group may have left behind is told as committed: it is durable, though its writer saw an error.
Result<void> LogWorker::tell_missed() {
  auto missed = std::make_shared<std::vector<Committed>>();
  const auto read = read_from(last_ + 1, [&](Committed committed) {
    missed->push_back(std::move(committed));
    return Result<void>();
  });
  if (!read) return read;
  if (missed->empty()) return {};
  last_ = missed->back().sequence;
  post([answers = answers_, missed] {
    for (Committed& committed : *missed) {
      if (answers->on_commit) answers->on_commit(std::move(committed));
    }
  });
  return {};
}

Result<void> LogWorker::prepare_statements() {
  auto insert = database_.prepare(
      "INSERT OR IGNORE INTO operations (sequence, id, session, user, timestamp, record, base, value, "
      "counter, form, settles, path) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!insert) return insert.error();
  auto find = database_.prepare("SELECT sequence FROM operations WHERE id = ?");
  if (!find) return find.error();
  insert_ = std::move(*insert);
  find_ = std::move(*find);
  return {};
}

Result<void> LogWorker::trim(const Retention& retention, Timestamp now, const Log::TrimDone& done) {
  if (is_broken_) return why_broken_;
  const auto cuts = find_cuts(database_, retention, now);
  return cuts ? trim_to(*cuts, 0, done) : Result<void>(cuts.error());
}

// One piece; the rest is queued behind the appends that came meanwhile.
Result<void> LogWorker::trim_to(const Cuts& cuts, std::uint64_t forgotten, const Log::TrimDone& done) {
  if (is_broken_) return why_broken_;
  const auto rows = trim_some(database_, cuts);
  if (!rows) return rows.error();
  forgotten += *rows;
  if (*rows > 0) {
    submit([this, cuts, forgotten, done] {
      const Result<void> result = trim_to(cuts, forgotten, done);
      if (!result) post([done, why = result.error()] { done(why); });
    });
    return {};
  }
  post([done, forgotten] { done(forgotten); });
  return {};
}

Result<void> LogWorker::install(const LogSnapshot& snapshot) {
  if (is_broken_ || is_closed_) reopen();
  if (is_broken_) return why_broken_;
  if (snapshot.sequence < last_) {
    return Error{Outcome::refused, "the log is at " + std::to_string(last_) + ", beyond the snapshot's " +
                                       std::to_string(snapshot.sequence)};
  }
  auto written = write_snapshot(database_, snapshot);
  if (written) last_ = snapshot.sequence;
  is_broken_ = !written;
  return written;
}

Result<void> LogWorker::read_from(std::uint64_t sequence, const Log::Visit& visit) {
  if (is_broken_) return why_broken_;
  auto statement = database_.prepare(std::string("SELECT ") + kOperationColumns +
                                     " FROM operations WHERE sequence >= ? ORDER BY sequence");
  if (!statement) return statement.error();
  statement->bind(0, sequence);
  return for_each_operation(*statement, visit);
}

Result<std::unique_ptr<History>> LogWorker::open_history() {
  std::shared_lock gate(gate_);
  if (auto same = held_.look(); !same) return same.error();
  auto history = SqliteHistory::open(folder_.database());
  if (auto same = held_.look(); !same) return same.error();
  if (history) return std::unique_ptr<History>(std::move(*history));
  if (!is_closed_) return history.error();
  auto as_left = SqliteHistory::open_as_left(folder_.database(), std::move(gate));
  if (!as_left) return history.error();
  return std::unique_ptr<History>(std::move(*as_left));
}

}  // namespace callboard::server
