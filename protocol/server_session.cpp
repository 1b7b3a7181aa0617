#include "protocol/server_session.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/ensure.h"
#include "protocol/faults.h"

namespace callboard::protocol {

namespace {

// What more at a time take is not kept.
constexpr std::size_t kActionsKept = 32;
// A clock drifts by some ms an hour, and is set now and then.
constexpr Duration kClockLimit = std::chrono::seconds(60);

template <class T>
bool is(const ServerAction& action) {
  return std::holds_alternative<T>(action);
}

}  // namespace

ServerSession::ServerSession(ServerSessionConfig config, Instant now) : started_(now), now_(now) {
  JoinServer join(JoinServer::Config{.project = config.project,
                                     .server = config.server,
                                     .software = config.software,
                                     .wall = config.wall,
                                     .started = now});
  entrance_ = std::make_unique<Entrance>(Entrance{std::move(config), std::move(join)});
  add(server_action::Send{entrance_->join.greeting()});
}

void ServerSession::require_key() {
  if (over_ || turn_) return;
  actions_.reset();
  entrance_->join.require_key();
}

// One that is returned: it is made where it is taken.
std::optional<ServerAction> ServerSession::next_action() {
  std::optional<ServerAction> next;
  if (actions_ == nullptr) {
    if (auto ask = over_ ? nullptr : asks_.next()) next.emplace(server_action::Asked{std::move(ask)});
  } else if (auto* action = std::get_if<ServerAction>(&actions_->all[actions_->done])) {
    if (is<server_action::TurnTaken>(*action)) --turns_taken_;
    next.emplace(std::move(*action));
    drop_action();
  } else {
    next.emplace(next_answer());
  }
  return next;
}

server_action::SendEncoded ServerSession::next_answer() {
  auto& answers = std::get<Answers>(actions_->all[actions_->done]);
  server_action::SendEncoded next{std::move(answers.frames[answers.sent]), true};
  asks_.on_sent(next.frame);
  if (++answers.sent == answers.frames.size()) drop_action();
  return next;
}

std::vector<std::variant<ServerAction, ServerSession::Answers>>& ServerSession::due() {
  if (actions_ == nullptr) actions_ = take_reused<Actions>();
  return actions_->all;
}

void ServerSession::drop_action() {
  auto& [all, done] = *actions_;
  if (++done == all.size()) return actions_.reset();
  // More keeps coming.
  if (done < kActionsKept) return;
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(done));
  done = 0;
}

void ServerSession::Actions::clear() {
  empty_and_keep(all, kActionsKept);
  done = 0;
}

// --- What happens on the connection ---------------------------------------------------------------------------------

void ServerSession::on_message(std::shared_ptr<ClientMessage> message, Instant now) {
  if (over_) return;
  now_ = now;
  if (turn_) turn_->on_heard(now);
  if (const auto* bye = std::get_if<Bye>(message.get())) {
    // A client that heard nothing for too long says so on its way to a better connection.
    return finish(said_bye(*bye), bye->outcome == Outcome::timed_out ? Ending::lost : Ending::meant);
  }
  if (turn_) {
    turn_message(std::move(message));
  } else {
    perform(entrance_->join.on_message(std::move(*message), now));
  }
}

void ServerSession::turn_message(std::shared_ptr<ClientMessage> message) {
  if (const auto* request = std::get_if<TurnRequest>(message.get())) {
    return on_request(*request);
  }
  if (turn_->is_servers()) return end_with(out_of_turn(verb_of(*message), "the server has the turn"));
  if (const auto* yours = std::get_if<Yours>(message.get())) {
    hear_clock(yours->clock, true);
    return take_turn();
  }
  has_spoken_ = true;
  if (std::holds_alternative<UnknownTell>(*message)) return;
  if (auto* progress = std::get_if<CallProgressed>(message.get())) {
    add(server_action::Reported{std::move(*progress)});
    return;
  }
  if (!ask_id_of(*message)) return end_with(unexpected("an ask", verb_of(*message)));
  if (auto taken = asks_.on_ask(std::move(message)); !taken) end_with(taken.error());
}

// Who speaks without waiting waits before the next time: our `yours` for the last one was heard by then.
void ServerSession::on_request(const TurnRequest& request) {
  hear_clock(request.clock, false);
  const bool is_granted = turn_->on_request();
  if (is_granted && !has_waited_) add(server_action::Heard{});
  if (is_granted) give_turn();
  if (!request.speaks) return;
  // Its `yours` does not answer ours.
  turn_given_.reset();
  has_waited_ = false;
}

void ServerSession::give_turn() {
  turn_given_ = now_;
  has_spoken_ = false;
  has_waited_ = true;
  add(server_action::Send{Yours{}});
}

void ServerSession::hear_clock(const std::optional<Timestamp>& clock, bool is_reply) {
  if (!clock) return;
  // Without that time: the turn at the end of the join, and one in which the client did not wait for it.
  const bool is_timed = is_reply && turn_given_;
  if (is_timed) clock_tried_ = now_;
  add(server_action::ClockTold{*clock, is_timed ? std::optional(now_ - *turn_given_) : std::nullopt,
                               is_timed && !has_spoken_});
}

void ServerSession::take_turn() {
  turn_->on_yours();
  send_answers();
  add(server_action::TurnTaken{has_waited_});
  ++turns_taken_;
  // Who speaks often does not wait for a turn, nor is given one by the heartbeat. Its next words may cross that: then it is
  // tried again a minute later, for while it has the turn nothing is told.
  if (has_waited_ || now_ - clock_tried_ < kClockLimit || !turn_->on_request()) return;
  clock_tried_ = now_;
  give_turn();
}

void ServerSession::send_answers() {
  if (auto frames = asks_.take_held(); !frames.empty()) due().emplace_back(Answers{std::move(frames)});
}

void ServerSession::on_garbage(const Error& error) {
  if (!over_) end_with(error);
}

void ServerSession::on_progress(Instant now) {
  now_ = now;
  if (turn_) turn_->on_heard(now);
}

void ServerSession::on_not_read(std::uint64_t unsent_bytes) {
  ENSURE(turn_);
  if (over_) return;
  end_with({Outcome::timed_out, fmt::format("the client read none of {} bytes for {} s", unsent_bytes,
                                            whole_seconds(turn_->silence_limit()))},
           Ending::lost);
}

void ServerSession::on_disconnected(const Error& error) {
  if (!over_) finish(error, Ending::lost);
}

// --- What the owner decides -----------------------------------------------------------------------------------------

void ServerSession::admit(Welcome welcome) {
  if (over_) return;
  const ServerSessionConfig& config = entrance_->config;
  welcome.frame_max = config.frame_max;
  welcome.heartbeat = std::chrono::duration_cast<std::chrono::milliseconds>(config.limits.heartbeat);
  welcome.silence = std::chrono::duration_cast<std::chrono::milliseconds>(config.limits.silence);
  perform(entrance_->join.admit(std::move(welcome)));
}

void ServerSession::settle(DocumentState state) {
  if (!over_) add(entrance_->join.settle(std::move(state)));
}

void ServerSession::settle(Assets assets) {
  if (!over_) add(entrance_->join.settle(std::move(assets)));
}

void ServerSession::answer(Answer&& answer) {
  if (over_) return;
  asks_.hold(std::move(answer));
  if (turn_->is_servers()) send_answers();
}

// What is told now comes behind all turns that were taken: the owner has to know of them.
bool ServerSession::may_tell() const { return !over_ && turn_ && turn_->is_servers() && turns_taken_ == 0; }

void ServerSession::tell(ServerMessage message) {
  if (over_) return;
  ENSURE(may_tell() && !answered_id_of(message));
  add(server_action::Send{std::move(message)});
}

void ServerSession::tell(EncodedFrame frame) {
  if (over_) return;
  ENSURE(may_tell());
  add(server_action::SendEncoded{std::move(frame), false});
}

void ServerSession::ping(Instant now) {
  if (over_) return;
  ENSURE(may_tell());
  now_ = now;
  if (turn_->on_request()) give_turn();
}

void ServerSession::close(Outcome outcome, std::string reason) {
  if (!over_) end_with({outcome, std::move(reason)});
}

void ServerSession::dismiss(Outcome outcome, std::string reason, std::string to) {
  if (over_) return;
  add(server_action::Send{Bye{outcome, reason, true, std::move(to)}});
  finish({outcome, std::move(reason)}, Ending::meant);
}

// --- Time -----------------------------------------------------------------------------------------------------------

std::optional<Instant> ServerSession::next_deadline() const {
  if (over_) return std::nullopt;
  return turn_ ? turn_->deadline() : started_ + entrance_->config.handshake_limit;
}

void ServerSession::on_time(Instant now) {
  if (over_) return;
  now_ = now;
  if (!turn_) {
    if (now < started_ + entrance_->config.handshake_limit) return;
    return end_with({Outcome::timed_out, fmt::format("the join took longer than {} s, waiting for {}",
                                                     whole_seconds(entrance_->config.handshake_limit),
                                                     entrance_->join.awaited())},
                    Ending::lost);
  }
  switch (turn_->on_time(now)) {
    case ServerTurn::Due::nothing:
      return;
    case ServerTurn::Due::heartbeat:
      return give_turn();
    case ServerTurn::Due::silence:
      return end_with({Outcome::timed_out, fmt::format("the client said nothing for {} s",
                                                       whole_seconds(turn_->silence_limit()))},
                      Ending::lost);
  }
}

ServerSession::Step ServerSession::step() const {
  if (over_) return Step::over;
  if (!turn_) return Step::awaiting_join;
  return turn_->is_servers() ? Step::awaiting_request : Step::awaiting_yours;
}

// --- The end --------------------------------------------------------------------------------------------------------

void ServerSession::perform(Result<std::vector<ServerAction>> actions) {
  if (!actions) return end_with(actions.error());
  for (auto& action : *actions) {
    if (is<server_action::Closed>(action) || is<server_action::TicketShown>(action)) over_ = true;
    if (is<server_action::Joined>(action)) {
      turn_.emplace(entrance_->config.limits, now_);
      clock_tried_ = now_;
      entrance_.reset();
    }
    add(std::move(action));
  }
}

void ServerSession::end_with(Error error, Ending ending) {
  add(server_action::Send{Bye{error.outcome, error.text}});
  finish(std::move(error), ending);
}

void ServerSession::finish(Error error, Ending ending) {
  ENSURE(!over_);
  over_ = true;
  add(server_action::Closed{error.outcome, std::move(error.text), ending == Ending::lost});
}

}  // namespace callboard::protocol
