#include "server/calls/call_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/document/parse.h"
#include "base/ensure.h"
#include "base/limits.h"
#include "base/reused.h"
#include "base/text.h"
#include "server/board/sha256.h"
#include "server/calls/call_result.h"
#include "server/permissions.h"

namespace callboard::server {
namespace {

protocol::Document null_document() {
  static const protocol::Document kNull = std::make_shared<const std::string>("null");
  return kNull;
}

Result<protocol::Document> checked_answer(Result<protocol::Document> answer) {
  if (!answer)
    return answer.error().text.empty() ? Error{answer.error().outcome, "it gave no reason"} : answer;
  if (*answer == nullptr) return null_document();
  if ((*answer)->size() <= kCallResultMax) return answer;
  return Error{Outcome::failed, fmt::format("the result is {}, expected at most {}",
                                            human_bytes((*answer)->size()), human_bytes(kCallResultMax))};
}

protocol::Document document_of(const document::ValuePtr& value) {
  return value ? make_shared_for_a_moment<std::string>(document::print(*value)) : null_document();
}

Result<protocol::Document> document_of(const CallValue& value) {
  return value ? Result<protocol::Document>(document_of(*value)) : Result<protocol::Document>(value.error());
}

// Whoever carries it out, the caller is answered with what the call describes, or with an error.
template <class Answer>
Answer fitting(const Call& call, Answer answer) {
  if (!answer) return answer;
  if (auto fits = check_result(call.description, *answer); !fits) return fits.error();
  return answer;
}

Result<CallArguments> read_arguments(const CallDescription& description, const protocol::Document& given) {
  document::ValuePtr value;
  if (given) {
    if (given->size() > kCallArgumentsMax) {
      return Error{Outcome::usage, fmt::format("{}: arguments: expected at most {}, got {}", description.name,
                                               human_bytes(kCallArgumentsMax), human_bytes(given->size()))};
    }
    auto parsed = document::parse(*given);
    if (!parsed) return Error{Outcome::usage, description.name + ": arguments: " + parsed.error().text};
    value = std::move(*parsed);
  }
  auto complete = complete_arguments(description, value);
  if (!complete) return complete.error();
  return CallArguments(std::move(*complete));
}

// Names are those that people chose: who comes back may be shown with another number.
UniqueId digest_of(const Caller& caller, const CallRequest& request) {
  const Identity& who = caller.identity;
  std::string text = who.asked_name.empty() ? who.name : who.asked_name;
  text += '\n';
  if (request.arguments) text += *request.arguments;
  const Sha256 digest = sha256(as_bytes(text));
  ByteReader reader(std::as_bytes(std::span(digest)));
  const std::uint64_t high = reader.u64();
  return {high, reader.u64()};
}

// Why what was asked is not the call that has its op; nullopt: it is.
std::optional<Error> other_call(const CallMark& known, const CallRequest& request) {
  const std::string whose =
      fmt::format("op {} is that of a call of {}", to_text(known.op), quoted(known.name));
  if (known.name != request.name) return Error{Outcome::usage, whose};
  if (!known.asked || known.asked == request.asked) return std::nullopt;
  return Error{Outcome::usage,
               whose + " by somebody else or with other arguments; another call has its own op"};
}

Result<Duration> deadline_of(const CallRequest& request) {
  if (request.deadline <= 0ms) return Duration(kCallDeadline);
  if (request.deadline <= kCallDeadlineMax) return Duration(request.deadline);
  return Error{Outcome::usage, fmt::format("{}: deadline: expected at most {} h", request.name,
                                           std::chrono::hours(kCallDeadlineMax).count())};
}

}  // namespace

// The handle of one call. It may outlive the call, and the desk.
class CallDesk::Run final : public CallRun {
 public:
  Run(CallDesk& desk, std::uint64_t number, CallRegistry::CallPtr call)
      : desk_(desk), number_(number), call_(std::move(call)), is_desk_alive_(desk.is_alive_) {}
  ~Run() override { answer_json(Error{Outcome::failed, "it ended without an answer"}); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void answer(CallValue value) override {
    if (!is_over()) desk_.on_answer(number_, document_of(fitting(*call_, std::move(value))));
  }
  void answer_json(Result<protocol::Document> json) override {
    if (!is_over()) desk_.on_answer(number_, fitting(*call_, std::move(json)));
  }
  void refuse(Error why) override {
    if (!is_over()) desk_.on_answer(number_, std::move(why), Keep::no);
  }
  void progress(const document::ValuePtr& value) override { progress_json(document_of(value)); }
  void progress_json(protocol::Document json) override {
    if (!is_over()) desk_.on_progress(number_, json);
  }
  void set_committing() override {
    if (!is_over()) desk_.running_.at(number_).is_committing = true;
  }
  bool is_over() const override { return !*is_desk_alive_ || !desk_.running_.contains(number_); }
  std::optional<UniqueId> op() const override {
    return is_over() ? std::nullopt : desk_.running_.at(number_).op;
  }
  UniqueId asked() const override { return is_over() ? UniqueId{} : desk_.running_.at(number_).asked; }
  void on_end(std::function<void(const Error&)> end) override {
    if (!is_over()) desk_.running_.at(number_).on_end = std::move(end);
  }
  Duration time_left() const override {
    return is_over() ? Duration::zero() : desk_.running_.at(number_).deadline - desk_.loop_.now();
  }

 private:
  CallDesk& desk_;
  std::uint64_t number_;
  CallRegistry::CallPtr call_;
  std::shared_ptr<bool> is_desk_alive_;
};

CallDesk::CallDesk(net::Loop& loop)
    : loop_(loop),
      deadlines_(loop, [this](std::uint64_t number, Instant at) { on_due(number, at); }),
      written_timer_(loop, [this] { on_written(); }) {}

CallDesk::~CallDesk() { *is_alive_ = false; }

// --- Coming ---------------------------------------------------------------------------------------------------------

Result<CallRegistry::CallPtr> CallDesk::permitted(const Caller& caller, const std::string& name) const {
  if (stopped_) return Error{Outcome::interrupted, *stopped_};
  auto call = registry_.find(name);
  if (!call) return call;
  if ((*call)->is_for_everybody) return call;
  const std::string& needed = (*call)->description.permission;
  if (auto may = check_call(caller.identity.permissions, needed); !may) return may.error();
  return call;
}

void CallDesk::begin(const Caller& caller, CallRequest&& request) {
  if (request.op) request.asked = digest_of(caller, request);
  const auto call = permitted(caller, request.name);
  if (!call) {
    // Who offered it may have gone since it was done.
    const bool is_gone = call.error().outcome == Outcome::not_found;
    if (is_gone && request.op && join_same(request)) return;
    return request.waiter.answer(call.error());
  }
  if (request.op && join_same(request)) return;
  auto arguments = read_arguments((*call)->description, request.arguments);
  if (!arguments) return request.waiter.answer(arguments.error());
  run(*call, caller, request, std::move(*arguments));
}

void CallDesk::remember(CallMark mark, const Result<document::ValuePtr>& answer) {
  answers_.keep(std::move(mark), checked_answer(document_of(answer)));
}

bool CallDesk::join_same(CallRequest& request) {
  const auto answer_with = [&](const Result<protocol::Document>& answer) {
    request.waiter.answer(answer);
    return true;
  };
  if (const auto* kept = answers_.find(*request.op)) {
    if (const auto other = other_call(kept->mark, request)) return answer_with(*other);
    // A copy: what the answer sets off may be another call.
    return answer_with(Result<protocol::Document>(kept->answer));
  }
  const auto known = running_ops_.find(*request.op);
  if (known == running_ops_.end()) return false;
  Running& running = running_.at(known->second);
  if (const auto other = other_call({*request.op, running.name, running.asked}, request))
    return answer_with(*other);
  if (running.waiters.size() >= kCallWaitersMax)
    return answer_with(
        Error{Outcome::refused, fmt::format("{} wait for this call already", kCallWaitersMax)});
  running.waiters.push_back(std::move(request.waiter));
  return true;
}

Result<void> CallDesk::check_room(const std::string& origin, std::uint64_t connection) const {
  const auto full = [](const char* who, std::size_t count) {
    return Error{Outcome::refused, fmt::format("{} {} calls under way; try again in a moment", who, count)};
  };
  if (running_.size() >= kCallsRunningMax) return full("the server has", kCallsRunningMax);
  if (origin.empty()) return {};
  if (by_connection_.of(connection) >= kCallsRunningPerSession)
    return full("this session has", kCallsRunningPerSession);
  if (by_origin_.of(origin) >= kCallsRunningPerOrigin)
    return full("your sessions have", kCallsRunningPerOrigin);
  return {};
}

std::uint64_t CallDesk::enter(const std::string& origin, CallRequest& request) {
  const std::uint64_t number = ++last_number_;
  Running& running = running_[number];
  running.name = request.name;
  running.origin = origin;
  running.connection = request.waiter.connection;
  by_origin_.add(running.origin);
  by_connection_.add(running.connection);
  running.op = request.op;
  running.asked = request.asked;
  running.deadline = loop_.now() + *deadline_of(request);
  running.waiters.push_back(std::move(request.waiter));
  if (running.op) running_ops_.emplace(*running.op, number);
  deadlines_.watch(number, running.watch, running.deadline);
  return number;
}

void CallDesk::run(const CallRegistry::CallPtr& call, const Caller& caller, CallRequest& request,
                   CallArguments arguments) {
  if (const auto deadline = deadline_of(request); !deadline) return request.waiter.answer(deadline.error());
  if (const auto* work = std::get_if<InlineRun>(&call->run)) {
    Result<protocol::Document> answer =
        checked_answer(document_of(fitting(*call, (*work)(caller, arguments))));
    if (request.op) answers_.keep({*request.op, request.name, request.asked}, answer);
    return request.waiter.answer(answer);
  }
  const std::string& origin = caller.identity.origin;
  if (const auto room = check_room(origin, request.waiter.connection); !room)
    return request.waiter.answer(room.error());
  const std::uint64_t number = enter(origin, request);
  if (const auto* work = std::get_if<WorkerRun>(&call->run)) {
    const WorkerRun fitted = [call, work](const Caller& by, const CallArguments& given,
                                          const WorkerRoom& room) {
      return fitting(*call, (*work)(by, given, room));
    };
    return run_on_worker(fitted, number, caller, std::move(arguments));
  }
  std::get<LaterRun>(call->run)(caller, arguments, std::make_shared<Run>(*this, number, call));
}

void CallDesk::run_on_worker(const WorkerRun& work, std::uint64_t number, Caller caller,
                             CallArguments arguments) {
  if (!workers_) workers_ = std::make_unique<net::WorkQueue>(loop_, kCallWorkers);
  WorkerRoom room{running_.at(number).stop.get_token(), {}};
  room.progress = [this, number, &loop = loop_, alive = is_alive_](const document::ValuePtr& value) {
    loop.post([this, number, alive, json = document_of(value)] {
      if (*alive) on_progress(number, json);
    });
  };
  workers_->submit(
      [work, room = std::move(room), caller = std::move(caller),
       arguments = std::move(arguments)](const std::stop_token&) -> Result<protocol::Document> {
        if (room.stop.stop_requested()) return Error{Outcome::cancelled, ""};
        return document_of(work(caller, arguments, room));
      },
      [this, number](Result<protocol::Document> answer) { on_answer(number, std::move(answer)); });
}

// --- Going ----------------------------------------------------------------------------------------------------------

void CallDesk::on_answer(std::uint64_t number, Result<protocol::Document> given, Keep keep) {
  auto node = running_.extract(number);
  if (node.empty()) return;
  Running& running = node.mapped();
  deadlines_.forget(number, running.watch);
  by_origin_.remove(running.origin);
  by_connection_.remove(running.connection);
  const Result<protocol::Document> answer = checked_answer(std::move(given));
  if (running.op) {
    running_ops_.erase(*running.op);
    if (keep == Keep::yes) answers_.keep({*running.op, running.name, running.asked}, answer);
  }
  for (const CallWaiter& waiter : running.waiters) waiter.answer(answer);
  answered_ = loop_.now();
  if (when_written_ && running_.empty()) written_timer_.set_after(kAnswerLimit);
}

void CallDesk::on_progress(std::uint64_t number, const protocol::Document& value) {
  const auto found = running_.find(number);
  if (found == running_.end() || value->size() > kCallProgressMax) return;
  for (const CallWaiter& waiter : found->second.waiters) {
    if (waiter.on_progress) waiter.on_progress(waiter, value);
  }
}

void CallDesk::end(std::uint64_t number, const Error& why) {
  Running& running = running_.at(number);
  running.stop.request_stop();
  const auto on_end = std::exchange(running.on_end, {});
  on_answer(number, why);
  if (on_end) on_end(why);
}

void CallDesk::on_due(std::uint64_t number, Instant at) {
  const auto found = running_.find(number);
  if (found == running_.end() || !found->second.watch.take(at) || found->second.is_committing) return;
  end(number, {Outcome::timed_out, fmt::format("{}: its time is over", found->second.name)});
}

Result<void> CallDesk::cancel(std::uint64_t connection, protocol::AskId ask) {
  const auto found = std::ranges::find_if(running_, [&](const auto& each) {
    return std::ranges::any_of(each.second.waiters, [&](const CallWaiter& waiter) {
      return waiter.connection == connection && waiter.ask == ask;
    });
  });
  if (found == running_.end())
    return Error{Outcome::not_found, fmt::format("no call {} of yours is under way", ask)};
  return cancel(found->first);
}

Result<void> CallDesk::cancel(std::uint64_t connection, UniqueId op) {
  const auto known = running_ops_.find(op);
  const bool is_theirs =
      known != running_ops_.end() &&
      std::ranges::any_of(running_.at(known->second).waiters,
                          [&](const CallWaiter& waiter) { return waiter.connection == connection; });
  if (!is_theirs)
    return Error{Outcome::not_found, fmt::format("no call with op {} of yours is under way", to_text(op))};
  return cancel(known->second);
}

Result<void> CallDesk::cancel(std::uint64_t number) {
  const Running& running = running_.at(number);
  if (running.is_committing)
    return Error{Outcome::refused, fmt::format("{}: it is done and being written down", running.name)};
  end(number, {Outcome::cancelled, fmt::format("{}: it was cancelled", running.name)});
  return {};
}

void CallDesk::leave(std::uint64_t connection) {
  std::vector<std::uint64_t> unwanted;
  for (const auto& [number, running] : running_) {
    const bool is_theirs = std::ranges::all_of(
        running.waiters, [connection](const CallWaiter& waiter) { return waiter.connection == connection; });
    if (is_theirs) unwanted.push_back(number);
  }
  for (const std::uint64_t number : unwanted) {
    if (running_.contains(number)) static_cast<void>(cancel(number));
  }
}

void CallDesk::stop(const std::string& reason) {
  stopped_ = "the server stops: " + reason;
  std::vector<std::uint64_t> unfinished;
  for (const auto& [number, running] : running_) {
    if (!running.is_committing) unfinished.push_back(number);
  }
  for (const std::uint64_t number : unfinished) {
    if (running_.contains(number)) end(number, {Outcome::interrupted, *stopped_});
  }
  workers_.reset();
}

void CallDesk::when_written(std::function<void()> then) {
  const Duration since = answered_ ? loop_.now() - *answered_ : kAnswerLimit;
  if (running_.empty() && since >= kAnswerLimit) return then();
  when_written_ = std::move(then);
  written_timer_.set_after(running_.empty() ? kAnswerLimit - since : kWrittenLimit);
}

void CallDesk::on_written() {
  written_timer_.cancel();
  if (const auto then = std::exchange(when_written_, {})) then();
}

}  // namespace callboard::server
