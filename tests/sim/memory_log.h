#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "net/loop.h"
#include "server/board/log.h"
#include "tests/sim/world.h"

namespace callboard::sim {

// What is left of a server's disk when the power goes: all that was synced, and nothing else.
struct Disk {
  std::vector<server::Committed> operations;
  server::LogSnapshot snapshot;
  std::map<server::Record, std::uint64_t> newest_keyframes;
  Bytes sessions;  // The file of that name; empty: none. It is not synced.
  Duration sync_min = 100us;
  Duration sync_max = 5ms;
  bool is_full = false;
  // Of the writes that fail, so many percent are found on the disk all the same when it is looked at again.
  std::uint64_t torn_percent = 0;
  // The program that wrote to it was killed: what is still under way never arrives.
  bool is_cut_off = false;
};

// A Log on such a disk, with the contract of SqliteLog: commits in groups, answers on the loop, later.
class MemoryLog final : public server::Log {
 public:
  MemoryLog(Disk& disk, net::Loop& loop);
  ~MemoryLog() override;

  void on_commit(CommitHandler handler) override;
  void append(server::Operation operation, AppendDone done) override;
  void append_together(std::vector<server::Operation> operations, AppendDone done) override;
  void snapshot(std::uint64_t sequence, std::function<Bytes()> encode, Done done) override;
  void check_room(std::uint64_t size_bytes, Done done) override;
  void keep_ahead() override {}
  void install(server::LogSnapshot snapshot, Done done) override;
  void keyframe(server::Record record, std::uint64_t sequence, std::function<Bytes()> encode,
                Done done) override;
  void trim(const server::Retention& retention, Timestamp now, TrimDone done) override;
  Result<std::unique_ptr<server::History>> open_history() override;
  Result<server::LogSnapshot> newest_snapshot() override;
  Result<std::uint64_t> newest_keyframe(server::Record record) override;
  Result<void> read_from(std::uint64_t sequence, const Visit& visit) override;

 private:
  struct Append {
    server::Operation operation;
    AppendDone done;
  };
  // Something to do by the disk's thread, or, where it is empty, the next of the appends.
  using Task = std::function<void()>;

  void submit(Task task);
  void work();
  void commit(std::vector<Append> group);
  server::Appended insert(const server::Operation& operation);
  void look_again();
  void post(std::function<void()> answer);

  Disk& disk_;
  net::Loop& loop_;
  std::deque<Task> queue_;
  std::deque<Append> appends_;
  bool is_working_ = false;
  bool is_broken_ = false;
  std::uint64_t told_ = 0;  // Sequence of the newest operation that the loop was told of.
  std::shared_ptr<CommitHandler> on_commit_ = std::make_shared<CommitHandler>();
  std::shared_ptr<bool> is_there_ = std::make_shared<bool>(true);
};

}  // namespace callboard::sim
