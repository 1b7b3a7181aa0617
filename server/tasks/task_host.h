#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/process.h"
#include "net/timer.h"
#include "server/calls/call_registry.h"
#include "server/calls/server_calls.h"
#include "server/event_log.h"
#include "server/own_records.h"
#include "server/tasks/task_limits.h"
#include "server/tasks/task_lines.h"

namespace callboard::server {

// A program that carries out calls (docs/calls.md, "Tasks"): started, given calls, watched, and started again when it ends.
//
//   server                  task
//   init            ->
//                   <-      calls               within kTaskReadyLimit
//   call …          ->
//                   <-      progress …, answer  in any order; those with one state one after the other
//   cancel          ->                          nobody waits for it: kTaskCancelLimit, then it is killed
//   exit            ->                          once its states are on disk, within kTaskCommitLimit
//                   <-      states …, (ends)    within kTaskExitLimit
//
// Whatever it does, each of its calls is answered, and a state changes with an answer, or at the exit, or not at all: it is a
// record of class "state" at its path, made when the task has told its calls. Loop thread only.
class TaskHost {
 public:
  struct Outside {
    CallRegistry& registry;
    OwnRecords& records;
    EventLog& events;
    // Whether the state may be its own: no other task has it.
    std::function<bool(const std::string& path)> may_have;
    TaskExitLimits exit_limits{};
  };
  TaskHost(net::Loop& loop, std::string program, std::string project, Outside outside);
  ~TaskHost();
  TaskHost(const TaskHost&) = delete;
  TaskHost& operator=(const TaskHost&) = delete;

  void start();
  // It has told its calls, or has ended without, at least once.
  bool is_settled() const { return is_settled_; }
  ProgramHealth health() const;
  bool has_state(const std::string& path) const { return states_.contains(path); }
  // Lets it end; then calls `done`, once.
  void stop(std::function<void()> done);

 private:
  enum class Step { awaiting_start, awaiting_ready, running, awaiting_exit, stopped };
  struct Asked {
    TaskCall call;
    std::string path;  // Of its state; empty: none.
    std::shared_ptr<CallRun> run;
    CallDescription description;         // As it was when it was asked for.
    std::uint64_t base = 0;              // The revision of the state that it was given.
    std::optional<UniqueId> op{};        // What it is asked for again by …
    UniqueId digest{};                   // … and who asks with what, as in CallMark.
    std::optional<Instant> killed_at{};  // Set: nobody waits for it any more.
  };
  struct State {
    std::deque<Asked> waiting;
    std::uint64_t busy = 0;  // The call that has it; 0: none.
    bool is_making =
        false;  // Its first record is on its way to the disk, and no call has it until that is there.
    // What is left is made of this revision, told with `exit`; then it is the one that was left.
    std::uint64_t told = 0;
    bool is_leaving = false;  // Something left is on its way to the disk,
    document::ValuePtr left;  // and this comes then.
  };

  void on_output(ByteView bytes);
  void on_error_output(ByteView bytes);
  void on_ended(const net::Process::Ending& ending);
  void on_line(const std::string& line);
  void on_said(TaskReady ready);
  void on_said(const TaskProgress& progress);
  void on_said(TaskAnswer answer);
  void on_said(TaskLeft left);
  void on_timer();
  void register_call(const CallDescription& description);
  void leave_out(const std::string& why);
  Result<void> check_state(const std::string& path) const;
  void make_states();
  void on_call(const CallDescription& description, const Caller& caller, const CallArguments& arguments,
               std::shared_ptr<CallRun> run);
  void send(Asked asked);
  void send_next(const std::string& path);
  void on_nobody_waits(std::uint64_t call);
  void commit(Asked asked, TaskAnswer answer);
  document::ValuePtr state_now(const std::string& path) const;
  void leave_next(const std::string& path);
  static Result<void> check_records(const std::vector<TaskRecord>& records);
  static Result<OwnRecord> state_record(OwnRecord record, const document::ValuePtr& state);
  void keep(std::vector<OwnRecord> records, OwnRecords::Then then);
  void keep_state(OwnRecord record, const document::ValuePtr& state, OwnRecords::Then then);
  void tell_exit();
  void on_commit_late();
  void release(const std::string& path);
  void fail_calls(const std::string& why);
  void misbehave(const std::string& what);
  void watch_cancelled();
  void finish_if_over();

  net::Loop& loop_;
  std::string program_;
  std::string project_;
  Outside outside_;
  Step step_ = Step::awaiting_start;
  std::unique_ptr<net::Process> process_;
  LineReader lines_;
  LineReader error_lines_;
  std::size_t errors_told_ = 0;
  Instant started_;
  Duration pause_;
  bool is_settled_ = false;
  std::string problem_;     // Why it is not ready, or not with all that it told; empty: nothing is wrong yet.
  bool is_killed_ = false;  // For what it said; of this run.
  bool is_terminated_ = false;
  bool is_exit_told_ = false;
  bool may_leave_states_ = false;  // It is told them at its exit.
  std::size_t states_left_ = 0;    // That it has told since.
  std::uint64_t last_call_ = 0;
  std::size_t calls_ = 0;  // Sent and waiting.
  std::map<std::uint64_t, Asked> sent_;
  std::map<std::string, State> states_;
  document::Object first_states_;
  std::vector<std::string> names_;  // Registered.
  std::size_t making_ = 0;          // States that are being made …
  std::size_t committing_ = 0;      // … and all that are on their way to the disk, those included.
  std::function<void()> stopped_;
  net::Timer timer_;         // Of the step.
  net::Timer cancel_timer_;  // For the first of those that nobody waits for.
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace callboard::server
