#include "server/store/sqlite_log.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/ensure.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/within_memory.h"
#include "server/store/board_files.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/disk_room.h"
#include "server/store/held_file.h"
#include "server/store/operation_rows.h"
#include "server/store/snapshot_rows.h"
#include "server/store/sqlite_history.h"
#include "server/store/trimmer.h"

namespace callboard::server {
namespace {

// 16 MiB of 4 KiB pages: a commit's own work stays small beside copying that back now and then.
constexpr int kCheckpointPages = 4096;

}  // namespace

// The loop's side: whom to tell. Only touched on the loop thread; answers posted after the log is gone find it closed.
struct SqliteLog::Answers {
  CommitHandler on_commit;
  BrokenHandler on_broken;
  bool is_closed = false;
};

// The worker's side: a queue and the one thread that empties it.
class SqliteLog::Worker {
 public:
  // The database is open for writing, or as it was left.
  Worker(DataFolder folder, Database database, bool is_as_left, Post post, std::shared_ptr<Answers> answers)
      : folder_(std::move(folder)),
        database_(std::move(database)),
        post_(std::move(post)),
        answers_(std::move(answers)),
        is_closed_(is_as_left) {}

  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      is_closing_ = true;
    }
    wake_.notify_one();
    if (!thread_.joinable()) return;
    thread_.join();
    // Nobody hears of it any more.
    static_cast<void>(held_.check([this] { write_back(); }));
    answers_->is_closed = true;
  }

  // Nothing else runs yet: the opening thread still has the connection.
  Result<void> start() {
    if (auto ready = is_closed_ ? Result<void>() : prepare_statements(); !ready) return ready;
    auto last = last_sequence(database_);
    if (!last) return last.error();
    last_ = *last;
    if (auto held = held_.hold(folder_.database()); !held) return held;
    if (is_closed_) held_.forget_log();  // No connection of ours keeps it there.
    thread_ = std::thread([this] { run(); });
    return {};
  }

  // False: too much is waiting.
  bool submit(std::vector<Operation> operations, AppendDone done) {
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
    wake_.notify_one();
    return true;
  }

  // Runs on the worker, after what was submitted before.
  void submit(std::function<void()> task) { queue(std::move(task)); }

  // The same, and what it returns, when it has run.
  template <class Read>
  auto wait_for(const Read& read) {
    std::promise<decltype(read())> promise;
    auto future = promise.get_future();
    submit([&] { promise.set_value(read()); });
    return future.get();
  }

  // Runs on the worker within the transaction of a group, with the appends that wait then.
  void submit_to_group(std::function<Result<void>()> write, Done done) {
    queue(Extra{std::move(write), std::move(done)});
  }

  // The file may be gone, and not damaged: then it gets what is written ahead of it.
  void keep_ahead() {
    static_cast<void>(held_.check([this] { write_back(); }));
    if (held_.is_gone()) return;
    keeps_ahead_ = true;
    if (why_broken_.text.empty()) why_broken_ = {Outcome::failed, "the database is damaged"};
    if (!is_closed_) database_.keep_ahead();
  }

  void post(std::function<void()> answer) {
    post_([answers = answers_, answer = std::move(answer)] {
      if (!answers->is_closed) answer();
    });
  }

  Result<void> trim(const Retention& retention, Timestamp now, const TrimDone& done);
  Result<void> trim_to(const Cuts& cuts, std::uint64_t forgotten, const TrimDone& done);
  Database& database() { return database_; }
  std::filesystem::path folder() const { return folder_.path(); }
  Result<std::unique_ptr<History>> open_history();
  Result<void> install(const LogSnapshot& snapshot);
  Result<void> read_from(std::uint64_t sequence, const Visit& visit);

 private:
  struct Append {
    Operation operation;
    AppendDone done;
    bool is_with_next = false;  // They are in one transaction.
  };
  // Snapshots and keyframes: a sync of their own would hold up the appends behind them.
  struct Extra {
    std::function<Result<void>()> write;
    Done done;
  };
  using Task = std::function<void()>;
  using Queued = std::variant<Append, Extra, Task>;
  // What becomes one transaction.
  struct Group {
    std::vector<Append> appends;
    std::vector<Extra> extras;
  };
  // What becomes of one append: its place, once the group is durable.
  struct Written {
    Append append;
    Appended place;
  };

  template <class One>
  void queue(One one) {
    {
      const std::lock_guard lock(mutex_);
      queue_.emplace_back(std::move(one));
    }
    wake_.notify_one();
  }
  void run();
  bool is_calm();
  Group take_group();
  void commit(Group group);
  // What becomes of each extra is in `kept`: one that fails is no reason to refuse the appends.
  Result<std::vector<Written>> write(Group& group, std::vector<Result<void>>& kept);
  Result<Appended> insert(const Operation& operation);
  void answer(std::vector<Written> written);
  void refuse(std::vector<Append> group, const Error& why);
  void reopen();
  Result<void> open_anew();
  Result<void> tell_missed();
  Result<void> prepare_statements();
  // The file that is open has then all that was written ahead of it, whatever name it has now.
  void write_back() {
    if (!is_closed_ && !keeps_ahead_) database_.checkpoint();
  }

  DataFolder folder_;
  Database database_;  // Before the statements: they are finalized first.
  Post post_;
  std::shared_ptr<Answers> answers_;
  Statement insert_;
  Statement find_;
  HeldFile held_;           // The one that was opened at the start.
  std::uint64_t last_ = 0;  // Of the newest durable operation that the loop was told of.
  bool is_broken_ = false;  // The connection failed and waits to be opened anew.
  Error why_broken_;
  bool keeps_ahead_ = false;  // The database is damaged.
  // Whoever reads the file as it was left holds the gate; is_closed_ is changed behind it: no connection writes to the file.
  std::shared_mutex gate_;
  bool is_closed_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Queued> queue_;
  std::size_t waiting_appends_ = 0;
  std::uint64_t waiting_bytes_ = 0;
  bool is_closing_ = false;
  std::thread thread_;
};

void SqliteLog::Worker::run() {
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
bool SqliteLog::Worker::is_calm() {
  const std::lock_guard lock(mutex_);
  return queue_.empty();
}

SqliteLog::Worker::Group SqliteLog::Worker::take_group() {
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

void SqliteLog::Worker::commit(Group group) {
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
Result<std::vector<SqliteLog::Worker::Written>> SqliteLog::Worker::write(Group& group,
                                                                         std::vector<Result<void>>& kept) {
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

Result<Appended> SqliteLog::Worker::insert(const Operation& operation) {
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

void SqliteLog::Worker::answer(std::vector<Written> written) {
  auto shared = std::make_shared<std::vector<Written>>(std::move(written));
  post([answers = answers_, shared] {
    for (Written& one : *shared) {
      if (one.place.repeated) continue;
      if (answers->on_commit) answers->on_commit({one.place.sequence, std::move(one.append.operation)});
    }
    for (Written& one : *shared) one.append.done(one.place);
  });
}

void SqliteLog::Worker::refuse(std::vector<Append> group, const Error& why) {
  auto shared = std::make_shared<std::vector<Append>>(std::move(group));
  post([shared, why] {
    for (Append& append : *shared) append.done(why);
  });
}

void SqliteLog::Worker::reopen() {
  insert_ = Statement();
  find_ = Statement();
  const auto opened = open_anew();
  is_broken_ = !opened;
  if (!opened) why_broken_ = opened.error();
}

Result<void> SqliteLog::Worker::open_anew() {
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
Result<void> SqliteLog::Worker::tell_missed() {
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

Result<void> SqliteLog::Worker::prepare_statements() {
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

Result<void> SqliteLog::Worker::trim(const Retention& retention, Timestamp now, const TrimDone& done) {
  if (is_broken_) return why_broken_;
  const auto cuts = find_cuts(database_, retention, now);
  return cuts ? trim_to(*cuts, 0, done) : Result<void>(cuts.error());
}

// One piece; the rest is queued behind the appends that came meanwhile.
Result<void> SqliteLog::Worker::trim_to(const Cuts& cuts, std::uint64_t forgotten, const TrimDone& done) {
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

Result<void> SqliteLog::Worker::install(const LogSnapshot& snapshot) {
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

Result<void> SqliteLog::Worker::read_from(std::uint64_t sequence, const Visit& visit) {
  if (is_broken_) return why_broken_;
  auto statement = database_.prepare(std::string("SELECT ") + kOperationColumns +
                                     " FROM operations WHERE sequence >= ? ORDER BY sequence");
  if (!statement) return statement.error();
  statement->bind(0, sequence);
  return for_each_operation(*statement, visit);
}

// Any thread. What is asked of another file is no history of this one.
Result<std::unique_ptr<History>> SqliteLog::Worker::open_history() {
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

Result<std::unique_ptr<SqliteLog>> SqliteLog::open(Options options) {
  auto folder = DataFolder::open(options.data, options.project);
  if (!folder) return folder.error();
  remove_dead_parts(
      folder->path(), [](std::string_view name) { return name == kBoardFile; }, OwnParts::go);
  remove_dead_parts(folder->path() / kBackupFolder, is_backup_name, OwnParts::go);
  auto database = Database::open(folder->database());
  std::optional<Error> why_read_only;
  if (!database) {
    const auto room = server::check_room(folder->path(), kDiskRoomMin);
    if (room) return database.error();
    auto as_left = Database::open_as_left(folder->database());
    if (!as_left) return database.error();
    why_read_only = room.error();
    database = std::move(as_left);
  }
  auto answers = std::make_shared<Answers>();
  auto worker = std::make_unique<Worker>(std::move(*folder), std::move(*database), why_read_only.has_value(),
                                         std::move(options.post), answers);
  if (auto started = worker->start(); !started) return started.error();
  return std::unique_ptr<SqliteLog>(
      new SqliteLog(std::move(worker), std::move(answers), std::move(why_read_only)));
}

SqliteLog::SqliteLog(std::unique_ptr<Worker> worker, std::shared_ptr<Answers> answers,
                     std::optional<Error> why_read_only)
    : why_read_only_(std::move(why_read_only)), answers_(std::move(answers)), worker_(std::move(worker)) {}

SqliteLog::~SqliteLog() = default;

void SqliteLog::on_commit(CommitHandler handler) { answers_->on_commit = std::move(handler); }

void SqliteLog::on_broken(BrokenHandler handler) { answers_->on_broken = std::move(handler); }

void SqliteLog::check_room(std::uint64_t size_bytes, Done done) {
  worker_->submit([worker = worker_.get(), size_bytes, done = std::move(done)] {
    worker->post([done, room = server::check_room(worker->folder(), size_bytes)] { done(room); });
  });
}

void SqliteLog::append(Operation operation, AppendDone done) {
  std::vector<Operation> one;
  one.push_back(std::move(operation));
  append_together(std::move(one), std::move(done));
}

void SqliteLog::append_together(std::vector<Operation> operations, AppendDone done) {
  ENSURE(!operations.empty());
  for (const Operation& each : operations) ENSURE(each.value != nullptr && each.id);
  // `done` is moved only when it was accepted; otherwise it is told through the same door as every answer.
  AppendDone refused = done;
  if (worker_->submit(std::move(operations), std::move(done))) return;
  worker_->post([refused = std::move(refused)] {
    refused(Error{Outcome::timed_out, "too many writes are waiting for the disk; try again"});
  });
}

void SqliteLog::snapshot(std::uint64_t sequence, std::function<Bytes()> encode, Done done) {
  keep(sequence, std::move(encode), &write_snapshot, std::move(done));
}

void SqliteLog::keep_ahead() {
  worker_->submit([worker = worker_.get()] { worker->keep_ahead(); });
}

void SqliteLog::install(LogSnapshot snapshot, Done done) {
  auto shared = std::make_shared<const LogSnapshot>(std::move(snapshot));
  worker_->submit([worker = worker_.get(), shared, done = std::move(done)] {
    auto result = std::make_shared<Result<void>>(worker->install(*shared));
    worker->post([done, result] { done(*result); });
  });
}

void SqliteLog::keyframe(Record record, std::uint64_t sequence, std::function<Bytes()> encode, Done done) {
  const auto write = [record](Database& database, const LogSnapshot& keyframe) {
    return write_keyframe(database, record, keyframe);
  };
  keep(sequence, std::move(encode), write, std::move(done));
}

// What takes long holds up no append.
void SqliteLog::keep(std::uint64_t sequence, std::function<Bytes()> encode, KeepState write, Done done) {
  encoding_.submit([worker = worker_.get(), sequence, encode = std::move(encode), write = std::move(write),
                    done = std::move(done)]() mutable {
    auto encoded = within_memory([&]() -> Result<Bytes> { return encode(); });
    encode = nullptr;  // What it copied is given back here.
    if (!encoded) return worker->post([done = std::move(done), why = encoded.error()] { done(why); });
    const auto state = std::make_shared<const LogSnapshot>(LogSnapshot{sequence, std::move(*encoded)});
    worker->submit_to_group([worker, write, state] { return write(worker->database(), *state); },
                            std::move(done));
  });
}

void SqliteLog::trim(const Retention& retention, Timestamp now, TrimDone done) {
  worker_->submit([worker = worker_.get(), retention, now, done = std::move(done)] {
    const Result<void> result = worker->trim(retention, now, done);
    if (!result) worker->post([done, why = result.error()] { done(why); });
  });
}

Result<std::unique_ptr<History>> SqliteLog::open_history() { return worker_->open_history(); }

Result<LogSnapshot> SqliteLog::newest_snapshot() {
  return worker_->wait_for([this] { return server::newest_snapshot(worker_->database()); });
}

Result<std::uint64_t> SqliteLog::newest_keyframe(Record record) {
  return worker_->wait_for([this, record] { return server::newest_keyframe(worker_->database(), record); });
}

Result<void> SqliteLog::read_from(std::uint64_t sequence, const Visit& visit) {
  return worker_->wait_for([this, sequence, &visit] { return worker_->read_from(sequence, visit); });
}

}  // namespace callboard::server
