#include "client/agent_command.h"

#include <utility>

#include "client/agent.h"

namespace callboard::client {
namespace {

// While asks wait for a server.
constexpr Duration kServerPeriod = 20ms;
constexpr Duration kProgressPeriod = 100ms;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

bool is_story(DocumentName document) { return document == DocumentName::story; }

// As it would be answered without a join.
Error no_server(const Result<WorkstationStatus>& here) {
  const std::string why = here ? here->why : here.error().text;
  return {here && here->is_refused ? Outcome::refused : Outcome::not_found,
          why.empty() ? "no server at the moment" : "not joined at the moment: " + why};
}

}  // namespace

AgentCommand::AgentCommand(net::Loop& loop, std::unique_ptr<net::LocalConnection> connection, Access& access,
                           Listener* listener, Post post)
    : loop_(loop),
      connection_(std::move(connection)),
      access_(access),
      listener_(listener),
      post_(std::move(post)),
      server_timer_(loop, [this] { look_for_server(); }),
      progress_timer_(loop, [this] { tell_progress(); }) {}

AgentCommand::~AgentCommand() {
  for (const auto& [id, pulling] : pulls_) pulling.transfer->cancel();
  // Nobody hears their answers: a lock that is waited for would be got by one who does not know.
  for (const auto& [id, calling] : calls_) access_.cancel_call(calling.op);
}

bool AgentCommand::is_expected() const {
  return !has_asked_ || session_.open_asks() > waiting_.size() || connection_->unsent_bytes() > 0;
}

void AgentCommand::start(const agent::Hello& hello, std::function<void()> on_over) {
  on_over_ = std::move(on_over);
  connection_->start(
      {.on_bytes = [this](ByteView bytes) { on_bytes(bytes); }, .on_ended = [this] { on_over_(); }});
  connection_->write(agent::AgentSession::opening(hello));
}

void AgentCommand::on_bytes(ByteView bytes) {
  auto events = session_.on_bytes(bytes);
  if (!events) return on_over_();
  for (auto& event : *events) {
    if (auto* asked = std::get_if<agent::AgentSession::Asked>(&event)) {
      on_asked(std::move(*asked));
    } else {
      on_cancelled(std::get<agent::AgentSession::Cancelled>(event).id);
    }
  }
}

void AgentCommand::on_asked(agent::AgentSession::Asked asked) {
  has_asked_ = true;
  // Writes are kept where there is no server.
  const bool needs_server = !std::holds_alternative<agent::AskWorkstation>(asked.ask) &&
                            !std::holds_alternative<agent::ChangeDocument>(asked.ask) &&
                            !std::holds_alternative<agent::Say>(asked.ask);
  if (!needs_server) return perform(asked);
  waiting_.push_back({std::move(asked), loop_.now()});
  look_for_server();
}

void AgentCommand::look_for_server() {
  // Kept in order: what was asked first is asked first.
  const Result<WorkstationStatus> here = access_.workstation().get();
  const bool is_joined = here && here->is_joined;
  const bool is_first = here && here->why.empty();
  const Instant since = loop_.now() - (is_first ? Agent::kFirstPatience : Agent::kServerPatience);
  while (!waiting_.empty() && (is_joined || waiting_.front().since <= since)) {
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    if (is_joined) {
      perform(next.asked);
    } else {
      answer<bool>(next.asked.id, no_server(here));
    }
  }
  if (!waiting_.empty()) server_timer_.set_after(kServerPeriod);
}

void AgentCommand::end() {
  const Result<WorkstationStatus> here = access_.workstation().get();
  if (!here || !here->is_refused) return;
  for (const Waiting& each : std::exchange(waiting_, {})) answer<bool>(each.asked.id, no_server(here));
}

void AgentCommand::on_cancelled(agent::AskId id) {
  // A pull says itself how far it came.
  if (const auto pulling = pulls_.find(id); pulling != pulls_.end()) {
    pulling->second.is_cancelled = true;
    return pulling->second.transfer->cancel();
  }
  // So does a call, whose answer may be on its way.
  if (const auto calling = calls_.find(id); calling != calls_.end()) {
    calling->second.is_cancelled = true;
    return access_.cancel_call(calling->second.op);
  }
  std::erase_if(waiting_, [&](const Waiting& each) { return each.asked.id == id; });
  answer<bool>(id, Error{Outcome::cancelled, "cancelled"});
}

void AgentCommand::perform(const agent::AgentSession::Asked& asked) {
  const agent::AskId id = asked.id;
  std::visit(Overloaded{
                 [&](const agent::ReadDocument& ask) { answer_later(id, access_.read(ask.query)); },
                 [&](const agent::ChangeDocument& ask) {
                   answer_later(id, access_.change(ask.change), on_written(ask.change.document));
                 },
                 [&](const agent::ListHistory& ask) { answer_later(id, access_.history(ask.query)); },
                 [&](const agent::ListConflicts& ask) { answer_later(id, access_.conflicts(ask.since)); },
                 [&](const agent::ListAssets&) { answer_later(id, access_.assets()); },
                 [&](const agent::ListUsers&) { answer_later(id, access_.users()); },
                 [&](const agent::ListMessages& ask) { answer_later(id, access_.messages(ask.since)); },
                 [&](const agent::Say& ask) { answer_later(id, access_.say(ask.text), on_said(ask.text)); },
                 [&](const agent::GoTo& ask) { answer_later(id, access_.at(ask.item)); },
                 [&](const agent::ReadRecords& ask) { answer_later(id, access_.records(ask.zone)); },
                 [&](const agent::ChangeRecord& ask) { answer_later(id, access_.record(ask.change)); },
                 [&](const agent::AskServer&) { answer_later(id, access_.status()); },
                 [&](const agent::AskWorkstation&) { answer_later(id, access_.workstation()); },
                 [&](const agent::Look& ask) { answer_later(id, access_.look(ask.item, ask.from)); },
                 [&](const agent::ListAudit& ask) { answer_later(id, access_.audit(ask.since)); },
                 [&](const agent::Pull& ask) { pull(id, ask); },
                 [&](const agent::MakeCall& ask) { call(id, ask); },
                 [&](const agent::ListCalls&) { answer_later(id, access_.calls()); },
             },
             asked.ask);
}

std::function<void(const WriteResult&)> AgentCommand::on_written(DocumentName document) const {
  if (listener_ == nullptr) return {};
  return [listener = listener_, document](const WriteResult& result) {
    if (!result.won || result.kept) return;
    if (is_story(document)) {
      listener->on_story(result.current);
    } else {
      listener->on_analytics(result.current);
    }
  };
}

std::function<void(const std::uint64_t&)> AgentCommand::on_said(const std::string& text) const {
  if (listener_ == nullptr) return {};
  const Result<WorkstationStatus> here = access_.workstation().get();
  return [listener = listener_, text, user = here ? here->user : std::string()](const std::uint64_t& number) {
    if (number == 0) return;  // Kept.
    listener->on_messages({{number, user, text, system_clock().wall()}});
  };
}

void AgentCommand::pull(agent::AskId id, const agent::Pull& ask) {
  Pulling& pulling = pulls_[id];
  pulling.transfer = access_.pull(ask.request);
  if (!progress_timer_.is_set()) progress_timer_.set_after(kProgressPeriod);
  answer_later(id, pulling.transfer->report());
}

void AgentCommand::call(agent::AskId id, const agent::MakeCall& ask) {
  calls_[id] = {ask.op};
  CallOptions options{ask.deadline, ask.op};
  options.on_progress = [post = post_, id](std::string_view json) {
    post([id, text = std::string(json)](AgentCommand& command) { command.tell_call_progress(id, text); });
  };
  answer_later(id, access_.call(ask.name, ask.arguments, std::move(options)));
}

void AgentCommand::tell_call_progress(agent::AskId id, const std::string& json) {
  // To one that does not read, a later one is worth more.
  if (session_.is_open(id) && connection_->unsent_bytes() == 0)
    connection_->write(session_.call_progress(id, json));
}

// What ends because the agent does was not stopped by who asked for it.
template <class T>
Result<T> AgentCommand::as_told(agent::AskId id, Result<T> result) const {
  constexpr const char* kEnded = "`callboard join` here, which did it, has ended";
  const auto pulling = pulls_.find(id);
  if (pulling != pulls_.end() && pulling->second.is_cancelled) return result;
  const auto calling = calls_.find(id);
  if (calling != calls_.end() && calling->second.is_cancelled) return result;
  if (!result) {
    if (result.error().outcome != Outcome::cancelled) return result;
    const Result<WorkstationStatus> here = access_.workstation().get();
    return here && here->is_refused ? no_server(here) : Error{Outcome::interrupted, kEnded};
  }
  if constexpr (std::is_same_v<T, PullReport>) {
    if (result->outcome == Outcome::cancelled) {
      result->outcome = Outcome::interrupted;
      result->text = kEnded;
    }
  }
  return result;
}

void AgentCommand::tell_progress() {
  for (auto& [id, pulling] : pulls_) {
    const PullProgress progress = pulling.transfer->progress();
    // To one that does not read, only the newest is worth telling.
    if (progress == pulling.told || connection_->unsent_bytes() > 0) continue;
    pulling.told = progress;
    connection_->write(session_.progress(id, progress));
  }
  if (!pulls_.empty()) progress_timer_.set_after(kProgressPeriod);
}

template <class T>
void AgentCommand::answer_later(agent::AskId id, const Answer<T>& answer,
                                std::function<void(const T&)> on_good) {
  answer.then([post = post_, id, on_good = std::move(on_good)](const Result<T>& result) {
    if (result && on_good) on_good(*result);
    // Shared: a listing may be long, and tasks are copied on their way.
    post([id, shared = std::make_shared<const Result<T>>(result)](AgentCommand& command) {
      command.answer(id, command.as_told(id, *shared));
    });
  });
}

template <class T>
void AgentCommand::answer(agent::AskId id, const Result<T>& result) {
  pulls_.erase(id);
  calls_.erase(id);
  if (!session_.is_open(id)) return;  // Cancelled meanwhile.
  connection_->write(session_.answer(id, result));
  // One that asks and does not read.
  if (connection_->unsent_bytes() > agent::kAnswerFrameMax) on_over_();
}

}  // namespace callboard::client
