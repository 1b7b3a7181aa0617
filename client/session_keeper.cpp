#include "client/session_keeper.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "client/outbox.h"

namespace callboard::client {
namespace {

namespace action = protocol::client_action;

// The rest belongs to the connection: what copies there are is claimed anew at the join, and transfers end with it.
bool is_worth_repeating(const protocol::ClientMessage& ask) {
  return !std::holds_alternative<protocol::AssetsChange>(ask) &&
         !std::holds_alternative<protocol::CancelAsk>(ask) &&
         !std::holds_alternative<protocol::CalledAsk>(ask) &&
         !std::holds_alternative<protocol::WorkingAsk>(ask);
}

UniqueId id_of(const protocol::ClientMessage& ask) {
  const auto* call = std::get_if<protocol::CallAsk>(&ask);
  return call == nullptr ? operation_of(ask) : call->op.value_or(UniqueId());
}

bool is_call(const protocol::ClientMessage& ask) { return std::holds_alternative<protocol::CallAsk>(ask); }

// The server corrects what it is sent by the difference of the clocks as they are.
protocol::ClientMessage as_of_now(protocol::ClientMessage ask, Duration clock_was_set_by) {
  // What two clocks that are read one after the other may differ by on a busy machine.
  constexpr Duration kReadingError = 50ms;
  auto* write = std::get_if<protocol::DocumentWrite>(&ask);
  if (write == nullptr || std::chrono::abs(clock_was_set_by) <= kReadingError) return ask;
  write->timestamp.ms += std::chrono::duration_cast<std::chrono::milliseconds>(clock_was_set_by).count();
  return ask;
}

Error nobody_knows(const protocol::ClientMessage& ask) {
  return {Outcome::interrupted, std::string("the connection was lost, and no server says whether it was ") +
                                    (is_call(ask) ? "done" : "written")};
}

}  // namespace

SessionKeeper::SessionKeeper(net::Loop& loop, Options options, Handlers handlers)
    : loop_(loop),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      last_server_(options_.folder),
      workstation_(options_.identity.visit ? "" : options_.folder, options_.identity.host),
      pause_timer_(loop, [this] { attempt(); }),
      silence_timer_(loop, [this] { on_silence(); }),
      waiting_timer_(loop, [this] { expire_waiting(); }),
      pause_(options_.pause_min) {
  options_.identity.workstation = workstation_.id();
  options_.identity.resumable = options_.rejoin && !options_.identity.visit;
}

SessionKeeper::~SessionKeeper() = default;

void SessionKeeper::attempt() {
  if (is_over_) return;
  is_turned_away_ = false;
  was_remembered_ = !options_.server && !sent_to_ && last_server_.get().has_value();
  if (sent_to_) return connect(*sent_to_);
  if (options_.server) {
    if (options_.waits_for_server) silence_timer_.set_after(options_.search.wait);
    return connect(*options_.server);
  }
  if (!was_remembered_) return search();
  connect(*last_server_.get());
  silence_timer_.set_after(options_.silence_max);
}

void SessionKeeper::on_silence() {
  if (!options_.server) return search();
  handlers_.on_searching({Outcome::not_found, "no answer from " + net::to_text(*options_.server) + " yet"});
}

void SessionKeeper::search() {
  nothing_found_.reset();
  Finder::Handlers handlers;
  handlers.on_found = [this](const net::Endpoint& server) {
    stop_searching();
    on_found(server);
  };
  handlers.on_nothing_yet = [this](const Error& why) { on_nothing_found(why); };
  finder_ = std::make_unique<Finder>(loop_, options_.search, std::move(handlers));
}

void SessionKeeper::on_found(const net::Endpoint& server) {
  nothing_found_.reset();
  if (connection_) {
    if (server == *current_) return;  // It is only slow.
    loop_.retire(std::move(connection_));
  }
  was_remembered_ = false;
  connect(server);
}

void SessionKeeper::on_nothing_found(const Error& why) {
  // A server that this workstation has no key for does not become another by waiting.
  // Nor does one that did not take the key at the last good address; of others anybody may have announced anything.
  const bool is_final = why.outcome == Outcome::refused && (!options_.key || is_turned_away_);
  if (is_final && !connection_) return end(why);
  if (options_.waits_for_server) return handlers_.on_searching(why);
  if (!connection_) return end(why);
  nothing_found_ = why;
}

void SessionKeeper::stop_searching() {
  silence_timer_.cancel();
  if (finder_) loop_.retire(std::move(finder_));
}

void SessionKeeper::connect(const net::Endpoint& to) {
  current_ = to;
  was_joined_ = false;
  options_.identity.wall = system_clock().wall();
  Connection::Handlers handlers;
  handlers.on_action = [this](protocol::ClientAction next) { on_action(std::move(next)); };
  handlers.on_closed = [this](const Error& why) { on_closed(why); };
  connection_ = std::make_unique<Connection>(loop_, to, options_.identity, std::move(handlers), options_.key);
}

void SessionKeeper::on_action(protocol::ClientAction next) {
  stop_searching();
  note(next);
  if (std::holds_alternative<action::Joined>(next)) {
    was_joined_ = true;
    joined_ = loop_.now();
    if (options_.rejoin) options_.waits_for_server = true;  // It was there, and is to come again.
    // From now on the server is this one.
    if (options_.server) options_.server = current_;
    sent_to_.reset();
    pause_ = options_.pause_min;
    last_server_.set(*current_);
    waiting_timer_.cancel();
    refuse_calls_of_others();
    for (Sent& each : std::exchange(waiting_, {})) send(std::move(each));
  }
  handlers_.on_action(std::move(next));
}

// What the next join needs in order to go on.
void SessionKeeper::note(const protocol::ClientAction& next) {
  protocol::ClientIdentity& identity = options_.identity;
  if (const auto* admitted = std::get_if<action::Admitted>(&next)) {
    const protocol::Welcome& welcome = admitted->welcome;
    grace_ = welcome.grace;
    server_run_ = admitted->server;
    if (welcome.resumed) return;
    identity.resume.reset();
    identity.heard = 0;
    if (welcome.secret) identity.resume = {welcome.session, *welcome.secret};
  } else if (const auto* told = std::get_if<action::Told>(&next)) {
    const auto* messages = std::get_if<protocol::Messages>(&told->message);
    if (messages == nullptr || messages->messages.empty()) return;
    identity.heard = std::max(identity.heard, messages->messages.back().number);
  }
}

void SessionKeeper::on_closed(const Error& why) {
  const bool is_dismissed = connection_->is_for_good();
  const auto hop = next_hop();
  loop_.retire(std::move(connection_));
  silence_timer_.cancel();
  if (is_over_) return handlers_.on_lost(why, false);
  // Where the server was there is none, or another one: it may have moved.
  if (!was_joined_ && std::exchange(was_remembered_, false)) {
    is_turned_away_ = why.outcome == Outcome::refused;
    if (nothing_found_) return end(*nothing_found_);
    if (!finder_) search();
    return;
  }
  if (hop) return follow(*hop, why);
  if (sent_to_) return end(why.prefixed("sent to " + net::to_text(*sent_to_)));
  const bool is_replaced = why.outcome == Outcome::superseded;
  const bool is_final = is_replaced || is_dismissed || (why.outcome == Outcome::refused && !was_joined_);
  if (is_final || !options_.rejoin) return end(why);
  if (!was_joined_ && !options_.waits_for_server) return end(why);
  pause(why);
}

std::optional<net::Endpoint> SessionKeeper::next_hop() const {
  const std::string& to = connection_->sent_to();
  if (to.empty() || !was_joined_ || !options_.rejoin) return std::nullopt;
  if (hops_ >= kHopsMax && loop_.now() - joined_ < kHopsForgotten) return std::nullopt;
  auto address = net::endpoint_from(to, kSessionPort);
  if (!address) return std::nullopt;
  return std::move(*address);
}

// Nothing of the session that was is known there.
void SessionKeeper::follow(const net::Endpoint& to, const Error& why) {
  hops_ = loop_.now() - joined_ < kHopsForgotten ? hops_ + 1 : 1;
  sent_to_ = to;
  options_.identity.resume.reset();
  options_.identity.heard = 0;
  handlers_.on_lost(why, true);
  if (!is_over_) pause_timer_.set_after(0s);
}

void SessionKeeper::pause(const Error& why) {
  handlers_.on_lost(why, true);
  if (is_over_) return;
  pause_timer_.set_after(pause_);
  pause_ = std::min(pause_ * 2, kPauseMax);
}

void SessionKeeper::ask(protocol::ClientMessage message, Connection::AnswerHandler on_answer,
                        Patience patience, Connection::ProgressHandler on_progress) {
  begin(std::make_shared<Waiting>(Waiting{std::move(message), std::move(on_answer), loop_.now() + kAskLimit,
                                          patience, std::move(on_progress), clock_distance()}));
}

void SessionKeeper::ask_made(protocol::ClientMessage message, Connection::AnswerHandler on_answer,
                             Patience patience, Duration clock) {
  begin(std::make_shared<Waiting>(
      Waiting{std::move(message), std::move(on_answer), loop_.now() + kAskLimit, patience, {}, clock}));
}

void SessionKeeper::begin(Sent asked) {
  if (is_over_) return asked->on_answer(Error{Outcome::cancelled, "the session is over"});
  if (is_joined()) return send(std::move(asked));
  wait(std::move(asked));
}

void SessionKeeper::tell(protocol::CallProgressed progress) {
  if (is_joined()) connection_->tell(std::move(progress));
}

void SessionKeeper::set_kept(UniqueId operation) {
  if (const auto sent = in_flight_.find(operation); sent != in_flight_.end())
    sent->second->patience = Patience::kept;
}

void SessionKeeper::send(Sent sent) {
  sent->was_sent = true;
  sent->server = server_run_;
  if (const UniqueId operation = id_of(sent->message)) in_flight_[operation] = sent;
  connection_->ask(
      as_of_now(sent->message, clock_distance() - sent->clock),
      [this, sent](Result<protocol::ServerMessage> answer) { on_answer(sent, std::move(answer)); },
      sent->on_progress);
}

// A server that was started anew does not know what the one before it did.
void SessionKeeper::refuse_calls_of_others() {
  std::deque<Sent> lost;
  std::erase_if(waiting_, [&](const Sent& each) {
    const bool is_lost = is_call(each->message) && each->was_sent && each->server != server_run_;
    if (is_lost) lost.push_back(each);
    return is_lost;
  });
  for (const Sent& each : lost) {
    in_flight_.erase(id_of(each->message));
    each->on_answer(nobody_knows(each->message));
  }
}

void SessionKeeper::cancel_call(UniqueId op) {
  const auto waits = std::ranges::find_if(
      waiting_, [op](const Sent& each) { return is_call(each->message) && id_of(each->message) == op; });
  if (waits != waiting_.end() && !(*waits)->was_sent) {
    const Sent call = *waits;
    waiting_.erase(waits);
    return call->on_answer(Error{Outcome::cancelled, "cancelled before there was a server"});
  }
  if (is_over_) return;
  protocol::CallCancelAsk cancel;
  cancel.op = op;
  // Behind the call, where that waits to be asked again. Whether there was anything to cancel shows in its answer.
  ask(std::move(cancel), [](const Result<protocol::ServerMessage>&) {});
}

void SessionKeeper::on_answer(const Sent& sent, Result<protocol::ServerMessage> answer) {
  const bool is_lost = !answer && answer.error().outcome == Outcome::interrupted && connection_->is_over();
  if (is_lost && !is_over_ && options_.rejoin && is_worth_repeating(sent->message)) {
    // A server that comes within its grace knows whether it was done.
    if (id_of(sent->message)) sent->deadline = std::max(sent->deadline, loop_.now() + grace_);
    return wait(sent);
  }
  in_flight_.erase(id_of(sent->message));
  sent->on_answer(std::move(answer));
}

void SessionKeeper::wait(Sent waiting) {
  waiting_.push_back(std::move(waiting));
  set_waiting_timer();
}

void SessionKeeper::set_waiting_timer() {
  std::optional<Instant> first;
  for (const Sent& each : waiting_) {
    if (each->patience != Patience::kept) first = std::min(first.value_or(each->deadline), each->deadline);
  }
  if (first) {
    waiting_timer_.set_at(*first);
  } else {
    waiting_timer_.cancel();
  }
}

void SessionKeeper::expire_waiting() {
  const Instant now = loop_.now();
  std::deque<Sent> due;
  std::erase_if(waiting_, [&](const Sent& each) {
    const bool is_due = each->patience != Patience::kept && each->deadline <= now;
    if (is_due) due.push_back(each);
    return is_due;
  });
  set_waiting_timer();
  for (const Sent& each : due) {
    const UniqueId operation = id_of(each->message);
    in_flight_.erase(operation);
    each->on_answer(operation && each->was_sent ? nobody_knows(each->message)
                                                : Error{Outcome::timed_out, "no server to ask"});
  }
}

void SessionKeeper::leave() {
  if (is_over_) return;
  if (!connection_) return end(Error{Outcome::cancelled, "left"});
  is_over_ = true;
  stop_searching();
  fail_waiting(Error{Outcome::cancelled, "left"});
  connection_->close(Outcome::done, "left");
}

void SessionKeeper::give_up(const Error& why) {
  if (is_over_) return;
  if (!connection_) return end(why);
  is_over_ = true;
  stop_searching();
  fail_waiting(why);
  connection_->close(why.outcome, why.text);
}

void SessionKeeper::end(const Error& why) {
  if (is_over_) return;
  is_over_ = true;
  pause_timer_.cancel();
  waiting_timer_.cancel();
  stop_searching();
  fail_waiting(why);
  handlers_.on_lost(why, false);
}

void SessionKeeper::fail_waiting(const Error& why) {
  waiting_timer_.cancel();
  in_flight_.clear();
  for (const Sent& each : std::exchange(waiting_, {})) {
    // Whether it was written or done, nobody says. What only reads can be asked again, unless whoever asks, or the server,
    // does not want it.
    const bool is_ended = why.outcome == Outcome::cancelled || why.outcome == Outcome::refused;
    // What is written down is for the next session, whatever ended this one.
    const bool is_kept = each->patience == Patience::kept;
    const bool is_open = is_kept || (each->was_sent && (id_of(each->message) || !is_ended));
    each->on_answer(is_open ? Error{Outcome::interrupted, why.text} : why);
  }
}

}  // namespace callboard::client
