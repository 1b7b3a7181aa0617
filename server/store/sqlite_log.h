#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/board/log.h"
#include "server/store/task_thread.h"

namespace callboard::server {

class Database;
class LogWorker;
struct LogAnswers;

// The log in one SQLite database per project. One worker thread with the only connection writes and checkpoints; all
// operations that wait when it looks become one transaction, which is on disk before any of them is answered. An idle
// log answers a single operation as fast as the disk syncs. Snapshots and keyframes are encoded by another thread.
//
// A write that fails (full disk, failing disk) is answered with the error; the connection is then opened anew, so that
// the log goes on when the fault clears. One that was closed in order is opened without room on the disk, too: it is read then,
// and the first write with room opens it anew. Destroying the log first writes and answers what was accepted; answers still
// under way to the loop are then dropped.
class SqliteLog final : public Log {
 public:
  // Runs a function on the loop thread, later. Called from the worker, must not block, must outlive the log.
  using Post = std::function<void(std::function<void()>)>;

  struct Options {
    std::filesystem::path data;  // Each project has a folder in it.
    std::string project;
    Post post;
    // Runs a function on the loop thread, which calls it, once it has handled what came together: what that appends is one
    // transaction then. Null: each append is begun at once.
    Post at_end_of_turn = nullptr;
  };

  // Blocking. Fails when another process holds the project's data, or the database is not ours or too new.
  static Result<std::unique_ptr<SqliteLog>> open(Options options);
  ~SqliteLog() override;

  void on_commit(CommitHandler handler) override;
  void on_broken(BrokenHandler handler) override;
  void append(Operation operation, AppendDone done) override;
  void append_together(std::vector<Operation> operations, AppendDone done) override;
  std::optional<Error> why_read_only() const override { return why_read_only_; }
  void check_room(std::uint64_t size_bytes, Done done) override;
  void snapshot(std::uint64_t sequence, std::function<Bytes()> encode, Done done) override;
  void keep_ahead() override;
  void install(LogSnapshot snapshot, Done done) override;
  void keyframe(Record record, std::uint64_t sequence, std::function<Bytes()> encode, Done done) override;
  void trim(const Retention& retention, Timestamp now, TrimDone done) override;
  Result<std::unique_ptr<History>> open_history() override;
  Result<LogSnapshot> newest_snapshot() override;
  Result<std::uint64_t> newest_keyframe(Record record) override;
  Result<void> read_from(std::uint64_t sequence, const Visit& visit) override;

 private:
  using KeepState = std::function<Result<void>(Database&, const LogSnapshot&)>;
  SqliteLog(std::unique_ptr<LogWorker> worker, std::shared_ptr<LogAnswers> answers, Post at_end_of_turn,
            std::optional<Error> why_read_only);
  void keep(std::uint64_t sequence, std::function<Bytes()> encode, KeepState write, Done done);
  void begin();

  const std::optional<Error> why_read_only_;
  const Post at_end_of_turn_;
  bool begins_at_end_of_turn_ = false;
  std::shared_ptr<LogAnswers> answers_;
  std::unique_ptr<LogWorker> worker_;
  TaskThread encoding_;  // Gives the worker what it is to write.
};

}  // namespace callboard::server
