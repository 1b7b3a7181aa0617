#include "server/tasks/task_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/document/build.h"
#include "base/document/schema.h"
#include "base/ensure.h"
#include "base/text.h"
#include "server/board/zone_name.h"
#include "server/calls/call_result.h"
#include "server/tasks/task_limits.h"

namespace callboard::server {
namespace {

Bytes bytes_of(const std::string& line) {
  const ByteView view = as_bytes(line);
  return {view.begin(), view.end()};
}

RecordAnswerPtr kept_answer(RecordAnswer answer) {
  if (answer.result == nullptr) answer.result = document::make_null();
  if (answer.result->size_bytes() > kRecordAnswerMax) answer.result = nullptr;
  return std::make_shared<const RecordAnswer>(std::move(answer));
}

// What is wrong with the records of an answer is no mistake of who has called.
Error own_failure(const std::string& call, const Error& why) {
  if (why.outcome != Outcome::usage && why.outcome != Outcome::refused) return why;
  return {Outcome::failed, fmt::format("{}: its task's records: {}", call, why.text)};
}

struct LeftState {
  std::string task;
  std::string path;
};

void tell_not_left(EventLog& events, const LeftState& state, const std::string& why) {
  events.error("state left by a task not kept",
               {{"task", state.task}, {"state", state.path}, {"cause", escaped(why, 256)}});
}

}  // namespace

TaskHost::TaskHost(net::Loop& loop, std::string program, std::string project, Outside outside)
    : loop_(loop),
      program_(std::move(program)),
      project_(std::move(project)),
      outside_(std::move(outside)),
      lines_(kTaskLineMax),
      error_lines_(kTaskErrorLineMax),
      pause_(kTaskPauseMin),
      timer_(loop, [this] { on_timer(); }),
      cancel_timer_(loop, [this] { watch_cancelled(); }) {}

TaskHost::~TaskHost() { *is_alive_ = false; }

// --- The program ----------------------------------------------------------------------------------------------------

void TaskHost::start() {
  ENSURE(step_ == Step::awaiting_start);
  lines_ = LineReader(kTaskLineMax);
  error_lines_ = LineReader(kTaskErrorLineMax);
  errors_told_ = 0;
  is_killed_ = false;
  started_ = loop_.now();
  auto process =
      net::Process::start(loop_, {.command = {program_}},
                          {.on_output = [this](ByteView bytes) { on_output(bytes); },
                           .on_error_output = [this](ByteView bytes) { on_error_output(bytes); },
                           .on_output_closed =
                               [this] {
                                 if (step_ == Step::running) timer_.set_after(outside_.exit_limits.closed);
                               },
                           .on_ended = [this](const net::Process::Ending& how) { on_ended(how); }});
  if (!process) {
    outside_.events.error("task not started", {{"task", program_}, {"cause", process.error().text}});
    problem_ = process.error().text;
    is_settled_ = true;
    timer_.set_after(std::exchange(pause_, std::min<Duration>(pause_ * 2, kTaskPauseMax)));
    return;
  }
  process_ = std::move(*process);
  step_ = Step::awaiting_ready;
  process_->write(bytes_of(init_line(project_)));
  timer_.set_after(kTaskReadyLimit);
  outside_.events.info("task started", {{"task", program_}, {"process", process_->id()}});
}

void TaskHost::on_output(ByteView bytes) {
  if (is_killed_) return;
  std::vector<std::string> lines;
  const auto read = lines_.push(bytes, lines);
  for (const std::string& line : lines) on_line(line);
  if (!read) misbehave(read.error().text);
}

void TaskHost::on_line(const std::string& line) {
  if (is_killed_) return;
  auto said = task_said_from(line);
  if (!said) return misbehave(said.error().text);
  std::visit([this](auto& one) { on_said(std::move(one)); }, *said);
}

// Where it writes what went wrong.
void TaskHost::on_error_output(ByteView bytes) {
  std::vector<std::string> lines;
  if (!error_lines_.push(bytes, lines)) error_lines_ = LineReader(kTaskErrorLineMax);
  for (const std::string& line : lines) {
    if (++errors_told_ > kTaskErrorLines) return;
    outside_.events.warn("task says", {{"task", program_}, {"text", escaped(line)}});
  }
}

// It cannot be understood any more, whatever it means: nothing that it says from here on counts.
void TaskHost::misbehave(const std::string& what) {
  if (std::exchange(is_killed_, true)) return;
  outside_.events.error("task makes no sense, killed", {{"task", program_}, {"cause", escaped(what, 256)}});
  problem_ = "it made no sense, and was killed: " + escaped(what, 256);
  if (process_) process_->kill();
}

void TaskHost::on_ended(const net::Process::Ending& ending) {
  loop_.retire(std::move(process_));
  const std::string how = net::to_text(ending);
  is_settled_ = true;
  if (step_ == Step::awaiting_exit) {
    outside_.events.info("task ended", {{"task", program_}, {"how", how}});
    step_ = Step::stopped;
    timer_.cancel();
    fail_calls("the server stops");
    return finish_if_over();
  }
  if (loop_.now() - started_ >= kTaskGoodRun) pause_ = kTaskPauseMin;
  outside_.events.error(
      "task ended, started again",
      {{"task", program_},
       {"how", how},
       {"pause_ms", std::chrono::duration_cast<std::chrono::milliseconds>(pause_).count()}});
  if (!is_killed_) problem_ = "it has ended (" + how + ")";
  step_ = Step::awaiting_start;
  timer_.set_after(std::exchange(pause_, std::min<Duration>(pause_ * 2, kTaskPauseMax)));
  fail_calls(is_killed_ ? "the task that does it is started again: " + problem_
                        : fmt::format("the task that does it has ended ({}), and is started again", how));
}

void TaskHost::on_timer() {
  switch (step_) {
    case Step::awaiting_start:
      return start();
    case Step::awaiting_ready:
      return misbehave("it has not told its calls in time");
    case Step::running:
      return misbehave("it has closed its output");
    case Step::stopped:
      return;
    case Step::awaiting_exit:
      if (!process_) return;
      if (!is_exit_told_) return on_commit_late();
      if (std::exchange(is_terminated_, true)) return process_->kill();
      process_->terminate();
      return timer_.set_after(kTaskTermLimit);
  }
}

void TaskHost::stop(std::function<void()> done) {
  stopped_ = std::move(done);
  for (const std::string& name : std::exchange(names_, {})) outside_.registry.remove(name);
  if (!process_) {
    step_ = Step::stopped;
    timer_.cancel();
    return finish_if_over();
  }
  may_leave_states_ = step_ == Step::running;
  step_ = Step::awaiting_exit;
  timer_.set_after(outside_.exit_limits.commit);
  if (committing_ == 0) tell_exit();
}

// With its states as they are once all is on disk that was on its way there.
void TaskHost::tell_exit() {
  if (step_ != Step::awaiting_exit || !process_ || std::exchange(is_exit_told_, true)) return;
  document::Object states;
  if (may_leave_states_) {
    for (auto& [path, state] : states_) {
      states.push_back({path, state_now(path)});
      state.told = outside_.records.revision(path);
    }
  }
  process_->write(bytes_of(exit_line(std::move(states))));
  process_->close_input();
  timer_.set_after(outside_.exit_limits.exit);
}

// It would be told states that are about to be others, and what it made of them would undo those.
void TaskHost::on_commit_late() {
  outside_.events.error("task ends without its states, the disk is too slow",
                        {{"task", program_}, {"on_their_way", committing_}});
  may_leave_states_ = false;
  tell_exit();
}

// In as many lines as it likes; of two that name a state the later one counts.
void TaskHost::on_said(TaskLeft left) {
  states_left_ += left.states.size();
  if (!is_exit_told_ || states_left_ > kTaskStatesMax)
    return misbehave("it told states that it was not asked for");
  for (const document::Member& each : left.states) {
    const auto own = states_.find(each.key);
    if (!may_leave_states_) {
      tell_not_left(outside_.events, {program_, each.key}, "it was not told its states");
    } else if (own == states_.end()) {
      tell_not_left(outside_.events, {program_, each.key}, "it is none of its own");
    } else {
      own->second.left = each.value;
      if (!own->second.is_leaving) leave_next(each.key);
    }
  }
}

// Each is made of the one before: where that was refused, since something else is there, so is this.
void TaskHost::leave_next(const std::string& path) {
  State& state = states_.at(path);
  const document::ValuePtr value = std::exchange(state.left, nullptr);
  state.is_leaving = true;
  // The events outlive the host.
  keep_state({.path = path, .base = state.told}, value,
             [this, alive = is_alive_, path, &events = outside_.events,
              program = program_](const Result<void>& kept) {
               if (!kept) tell_not_left(events, {program, path}, kept.error().text);
               if (!*alive) return;
               State& own = states_.at(path);
               own.is_leaving = false;
               if (kept) own.told = outside_.records.revision(path);
               if (own.left != nullptr) leave_next(path);
             });
}

void TaskHost::finish_if_over() {
  if (step_ != Step::stopped || committing_ > 0 || !stopped_) return;
  // Not from within: the host goes with the last of them.
  loop_.post(std::exchange(stopped_, {}));
}

ProgramHealth TaskHost::health() const {
  const bool is_ready = step_ == Step::running;
  const char* state = is_ready ? "ready" : problem_.empty() ? "starting" : "failing";
  return {std::filesystem::path(program_).filename().native(), state, problem_};
}

// --- Its calls ------------------------------------------------------------------------------------------------------

void TaskHost::on_said(TaskReady ready) {
  if (step_ != Step::awaiting_ready) return misbehave("it told its calls twice");
  step_ = Step::running;
  problem_.clear();
  timer_.cancel();
  first_states_ = std::move(ready.states);
  for (const std::string& name : std::exchange(names_, {})) outside_.registry.remove(name);
  for (const std::string& why : ready.left_out) leave_out(why);
  for (const CallDescription& each : ready.calls) register_call(each);
  make_states();
  outside_.events.info("task ready", {{"task", program_}, {"calls", names_.size()}});
  is_settled_ = is_settled_ || making_ == 0;
}

// Those that there are stay as they are.
void TaskHost::make_states() {
  for (auto& [place, state] : states_) {
    const std::string path = place;  // clang 14 captures no structured binding.
    const auto known = outside_.records.find("state", path);
    if (!known || *known || state.is_making) continue;
    ++making_;
    state.is_making = true;
    keep_state({.path = path}, state_now(path), [this, alive = is_alive_, path](const Result<void>& made) {
      if (!*alive) return;
      states_.at(path).is_making = false;
      if (!made) {
        // Its first call makes it.
        outside_.events.warn(
            "state not made",
            {{"task", program_}, {"state", path}, {"cause", escaped(made.error().text, 256)}});
      }
      is_settled_ = --making_ == 0 || is_settled_;
      send_next(path);
    });
  }
}

Result<void> TaskHost::check_state(const std::string& path) const {
  if (auto parts = record_path(path); !parts) return parts.error();
  if (is_in_own_folder(path)) return Error{Outcome::usage, quoted(path) + " is the server's own"};
  if (!outside_.may_have(path)) return Error{Outcome::usage, quoted(path) + " is another task's"};
  if (states_.size() >= kTaskStatesMax && !states_.contains(path))
    return Error{Outcome::refused, fmt::format("expected at most {} of one task", kTaskStatesMax)};
  const auto known = outside_.records.find("state", path);
  return known ? Result<void>() : Result<void>(known.error());
}

void TaskHost::leave_out(const std::string& why) {
  outside_.events.error("call of a task left out", {{"task", program_}, {"cause", why}});
  problem_ = "a call of it is left out: " + why;
}

void TaskHost::register_call(const CallDescription& description) {
  const std::string& path = description.state;
  if (const auto good = path.empty() ? Result<void>() : check_state(path); !good)
    return leave_out(fmt::format("{}: state: {}", description.name, good.error().text));
  Call call{description,
            LaterRun([this, alive = is_alive_, description](
                         const Caller& caller, const CallArguments& arguments, std::shared_ptr<CallRun> run) {
              if (*alive) on_call(description, caller, arguments, std::move(run));
            })};
  call.description.by.clear();
  if (auto added = outside_.registry.add(std::move(call)); !added) return leave_out(added.error().text);
  names_.push_back(description.name);
  if (!path.empty()) states_.try_emplace(path);
}

void TaskHost::on_call(const CallDescription& description, const Caller& caller,
                       const CallArguments& arguments, std::shared_ptr<CallRun> run) {
  if (step_ != Step::running) {
    return run->refuse(Error{
        Outcome::failed,
        fmt::format("{}: the task that does it is being started; try again in a moment", description.name)});
  }
  if (calls_ >= kTaskCallsMax || process_->unsent_bytes() > kTaskUnsentMax) {
    return run->refuse(Error{
        Outcome::refused,
        fmt::format("{}: its task is busy with {} calls; try again in a moment", description.name, calls_)});
  }
  Asked asked{{++last_call_, description.name, caller.identity.name, arguments.object(), nullptr},
              description.state,
              std::move(run),
              description};
  asked.op = asked.run->op();
  asked.digest = asked.run->asked();
  ++calls_;
  asked.run->on_end([this, alive = is_alive_, number = asked.call.call](const Error&) {
    if (*alive) on_nobody_waits(number);
  });
  if (asked.path.empty()) return send(std::move(asked));
  const std::string path = asked.path;
  states_[path].waiting.push_back(std::move(asked));
  send_next(path);
}

void TaskHost::send(Asked asked) {
  process_->write(bytes_of(to_line(asked.call)));
  asked.call.arguments = nullptr;
  sent_.emplace(asked.call.call, std::move(asked));
}

void TaskHost::send_next(const std::string& path) {
  State& state = states_.at(path);
  if (state.busy != 0 || state.is_making || state.waiting.empty() || step_ != Step::running) return;
  Asked next = std::move(state.waiting.front());
  state.waiting.pop_front();
  state.busy = next.call.call;
  next.call.state = state_now(path);
  next.base = outside_.records.revision(path);
  send(std::move(next));
}

// As its record says; before there is one, as the task said.
document::ValuePtr TaskHost::state_now(const std::string& path) const {
  const auto fields = outside_.records.find("state", path);
  document::ValuePtr state;
  if (fields && *fields) {
    state = (*fields)->member("value");
  } else {
    const auto first = std::ranges::find(first_states_, path, &document::Member::key);
    if (first != first_states_.end()) state = first->value;
  }
  return state ? state : document::make_null();
}

// Its caller has given up, or its time is over.
void TaskHost::on_nobody_waits(std::uint64_t call) {
  for (auto& [path, state] : states_) {
    calls_ -= std::erase_if(state.waiting, [call](const Asked& each) { return each.call.call == call; });
  }
  const auto found = sent_.find(call);
  if (found == sent_.end() || !process_) return;
  found->second.killed_at = loop_.now() + kTaskCancelLimit;
  process_->write(bytes_of(cancel_line(call)));
  watch_cancelled();
}

void TaskHost::watch_cancelled() {
  std::optional<Instant> first;
  for (const auto& [number, asked] : sent_) {
    if (asked.killed_at) first = std::min(first.value_or(*asked.killed_at), *asked.killed_at);
  }
  if (!first) return cancel_timer_.cancel();
  if (*first > loop_.now()) return cancel_timer_.set_at(*first);
  cancel_timer_.cancel();
  misbehave("it went on with a call that was cancelled");
}

void TaskHost::on_said(const TaskProgress& progress) {
  const auto found = sent_.find(progress.call);
  if (found != sent_.end()) found->second.run->progress(progress.value);
}

void TaskHost::on_said(TaskAnswer answer) {
  auto node = sent_.extract(answer.call);
  if (node.empty()) return;
  --calls_;
  Asked asked = std::move(node.mapped());
  watch_cancelled();
  // Before anything of it is kept: an error leaves all as it was.
  if (const auto fits = answer.result ? check_result(asked.description, *answer.result) : Result<void>();
      !fits)
    answer.result = fits.error();
  if (asked.path.empty()) answer.state = nullptr;
  // What nobody waits for was answered as not done: then it is not.
  const bool is_news = answer.state != nullptr || !answer.records.empty();
  if (is_news && answer.result && !asked.run->is_over()) return commit(std::move(asked), std::move(answer));
  asked.run->answer(std::move(answer.result));
  release(asked.path);
}

void TaskHost::commit(Asked asked, TaskAnswer answer) {
  const auto refused = [&](Error why) {
    asked.run->answer(std::move(why));
    release(asked.path);
  };
  if (auto may = check_records(answer.records); !may) return refused(may.error());
  std::vector<OwnRecord> records;
  if (answer.state != nullptr) {
    // Of a write that failed it may be found out later that it was done: what was made of the state before is not put over it.
    auto state = state_record({.path = asked.path, .user = asked.call.by, .base = asked.base}, answer.state);
    if (!state) return refused(state.error());
    records.push_back(*std::move(state));
  }
  const bool has_records = !answer.records.empty();
  for (TaskRecord& each : answer.records) {
    records.push_back({.path = std::move(each.path),
                       .record_class = std::move(each.record_class),
                       .fields = std::move(each.fields),
                       .is_whole = false,
                       .user = asked.call.by});
  }
  asked.run->set_committing();
  if (asked.op)
    records.front().answer = kept_answer({*asked.op, asked.call.name, asked.digest, *answer.result});
  keep(std::move(records),
       [this, alive = is_alive_, path = asked.path, run = asked.run, name = asked.call.name, has_records,
        result = std::move(answer.result)](const Result<void>& kept) {
         run->answer(kept ? result : CallValue(has_records ? own_failure(name, kept.error()) : kept.error()));
         if (*alive) release(path);
       });
}

// Those of the program's own classes are its own to write; a task's state is its call's.
Result<void> TaskHost::check_records(const std::vector<TaskRecord>& records) {
  if (records.size() > kTaskRecordsMax)
    return Error{Outcome::failed,
                 fmt::format("it wrote {} records, expected at most {}", records.size(), kTaskRecordsMax)};
  for (const TaskRecord& each : records) {
    if (document::Schema::built_in().find(each.record_class) != nullptr || is_in_own_folder(each.path)) {
      return Error{Outcome::failed, fmt::format("it wrote {}, of class {}: that is the server's own",
                                                quoted(each.path), quoted(each.record_class))};
    }
  }
  return {};
}

Result<OwnRecord> TaskHost::state_record(OwnRecord record, const document::ValuePtr& state) {
  if (state->size_bytes() > kTaskStateMax) {
    return Error{Outcome::failed, fmt::format("its state became {}, expected at most {}",
                                              human_bytes(state->size_bytes()), human_bytes(kTaskStateMax))};
  }
  record.record_class = "state";
  record.fields = document::make_object({{"value", state}});
  return record;
}

void TaskHost::keep_state(OwnRecord record, const document::ValuePtr& state, OwnRecords::Then then) {
  auto whole = state_record(std::move(record), state);
  if (!whole) return then(whole.error());
  std::vector<OwnRecord> records;
  records.push_back(*std::move(whole));
  keep(std::move(records), std::move(then));
}

void TaskHost::keep(std::vector<OwnRecord> records, OwnRecords::Then then) {
  ++committing_;
  auto on_kept = [this, alive = is_alive_, then = std::move(then)](const Result<void>& kept) {
    then(kept);
    if (!*alive) return;
    if (--committing_ == 0) tell_exit();
    finish_if_over();
  };
  const bool is_state_alone = records.size() == 1 && records.front().is_whole;
  if (is_state_alone) return outside_.records.put(std::move(records.front()), std::move(on_kept));
  outside_.records.put_together(std::move(records), std::move(on_kept));
}

void TaskHost::release(const std::string& path) {
  if (path.empty()) return;
  states_.at(path).busy = 0;
  send_next(path);
}

// What it was doing is not done; a state that is on its way to the disk stays busy until it is there.
void TaskHost::fail_calls(const std::string& why) {
  std::vector<Asked> failed;
  std::vector<Asked> unbegun;
  for (auto& [number, asked] : std::exchange(sent_, {})) {
    if (!asked.path.empty()) states_.at(asked.path).busy = 0;
    failed.push_back(std::move(asked));
  }
  for (auto& [path, state] : states_) {
    for (Asked& each : std::exchange(state.waiting, {})) unbegun.push_back(std::move(each));
  }
  calls_ -= failed.size() + unbegun.size();
  cancel_timer_.cancel();
  for (const Asked& each : failed) each.run->answer(Error{Outcome::failed, each.call.name + ": " + why});
  for (const Asked& each : unbegun) each.run->refuse(Error{Outcome::failed, each.call.name + ": " + why});
}

}  // namespace callboard::server
