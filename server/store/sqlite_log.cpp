#include "server/store/sqlite_log.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/ensure.h"
#include "base/limits.h"
#include "base/within_memory.h"
#include "server/store/board_files.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/disk_room.h"
#include "server/store/log_worker.h"
#include "server/store/packed_state.h"
#include "server/store/snapshot_rows.h"

namespace callboard::server {

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
  auto answers = std::make_shared<LogAnswers>();
  auto worker = std::make_unique<LogWorker>(std::move(*folder), std::move(*database),
                                            why_read_only.has_value(), std::move(options.post), answers);
  if (auto started = worker->start(); !started) return started.error();
  return std::unique_ptr<SqliteLog>(new SqliteLog(
      std::move(worker), std::move(answers), std::move(options.at_end_of_turn), std::move(why_read_only)));
}

SqliteLog::SqliteLog(std::unique_ptr<LogWorker> worker, std::shared_ptr<LogAnswers> answers,
                     Post at_end_of_turn, std::optional<Error> why_read_only)
    : why_read_only_(std::move(why_read_only)),
      at_end_of_turn_(std::move(at_end_of_turn)),
      answers_(std::move(answers)),
      worker_(std::move(worker)) {}

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
  if (worker_->submit(std::move(operations), std::move(done))) return begin();
  worker_->post([refused = std::move(refused)] {
    refused(Error{Outcome::timed_out, "too many writes are waiting for the disk; try again"});
  });
}

// Of many that come together the first would be alone in its transaction otherwise, and be told alone.
void SqliteLog::begin() {
  if (!at_end_of_turn_) return worker_->wake();
  if (std::exchange(begins_at_end_of_turn_, true)) return;
  at_end_of_turn_([this, answers = answers_] {
    if (answers->is_closed) return;
    begins_at_end_of_turn_ = false;
    worker_->wake();
  });
}

void SqliteLog::snapshot(std::uint64_t sequence, std::function<Bytes()> encode, Done done) {
  keep(sequence, std::move(encode), &write_snapshot, std::move(done));
}

void SqliteLog::keep_ahead() {
  worker_->submit([worker = worker_.get()] { worker->keep_ahead(); });
}

// Behind a snapshot that is being encoded.
void SqliteLog::install(LogSnapshot snapshot, Done done) {
  encoding_.submit(
      [worker = worker_.get(), snapshot = std::move(snapshot), done = std::move(done)]() mutable {
        snapshot.state = packed_state(std::move(snapshot.state));
        const auto shared = std::make_shared<const LogSnapshot>(std::move(snapshot));
        worker->submit([worker, shared, done = std::move(done)] {
          auto result = std::make_shared<Result<void>>(worker->install(*shared));
          worker->post([done, result] { done(*result); });
        });
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
    const auto state =
        std::make_shared<const LogSnapshot>(LogSnapshot{sequence, packed_state(std::move(*encoded))});
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
