#include "client/session_keeper.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace callboard::client {
namespace {

namespace action = protocol::client_action;

}  // namespace

SessionKeeper::SessionKeeper(net::Loop& loop, Options options, Handlers handlers)
    : loop_(loop),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      last_server_(options_.folder),
      workstation_(options_.identity.visit ? "" : options_.folder, options_.identity.host),
      pause_timer_(loop, [this] { attempt(); }),
      silence_timer_(loop, [this] { search(); }),
      waiting_timer_(loop, [this] { expire_waiting(); }),
      pause_(options_.pause_min) {
  options_.identity.workstation = workstation_.id();
}

SessionKeeper::~SessionKeeper() = default;

void SessionKeeper::attempt() {
  if (is_over_) return;
  was_remembered_ = !options_.server && last_server_.get().has_value();
  if (options_.server) return connect(*options_.server);
  if (!was_remembered_) return search();
  connect(*last_server_.get());
  silence_timer_.set_after(options_.silence_max);
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
  if (options_.waits_for_server) return handlers_.on_searching(why.text);
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
  connection_ = std::make_unique<Connection>(loop_, to, options_.identity, std::move(handlers));
}

void SessionKeeper::on_action(protocol::ClientAction next) {
  stop_searching();
  if (std::holds_alternative<action::Joined>(next)) {
    was_joined_ = true;
    pause_ = options_.pause_min;
    last_server_.set(*current_);
    waiting_timer_.cancel();
    for (Waiting& each : std::exchange(waiting_, {})) {
      connection_->ask(std::move(each.message), std::move(each.on_answer));
    }
  }
  handlers_.on_action(std::move(next));
}

void SessionKeeper::on_closed(const Error& why) {
  loop_.retire(std::move(connection_));
  silence_timer_.cancel();
  if (is_over_) return handlers_.on_lost(why, false);
  // Where the server was there is none, or another one: it may have moved.
  if (!was_joined_ && std::exchange(was_remembered_, false)) {
    if (nothing_found_) return end(*nothing_found_);
    if (!finder_) search();
    return;
  }
  const bool is_replaced = why.outcome == Outcome::superseded;
  const bool is_final = is_replaced || (why.outcome == Outcome::refused && !was_joined_);
  if (is_final || !options_.rejoin) return end(why);
  if (!was_joined_ && !options_.waits_for_server) return end(why);
  pause(why);
}

void SessionKeeper::pause(const Error& why) {
  handlers_.on_lost(why, true);
  if (is_over_) return;
  pause_timer_.set_after(pause_);
  pause_ = std::min(pause_ * 2, kPauseMax);
}

void SessionKeeper::ask(protocol::ClientMessage message, Connection::AnswerHandler on_answer) {
  if (is_over_) return on_answer(Error{Outcome::cancelled, "the session is over"});
  if (connection_ && was_joined_ && !connection_->is_over())
    return connection_->ask(std::move(message), std::move(on_answer));
  waiting_.push_back({std::move(message), std::move(on_answer), loop_.now() + kAskLimit});
  if (!waiting_timer_.is_set()) waiting_timer_.set_at(waiting_.front().deadline);
}

void SessionKeeper::expire_waiting() {
  const Instant now = loop_.now();
  while (!waiting_.empty() && waiting_.front().deadline <= now) {
    const auto on_answer = std::move(waiting_.front().on_answer);
    waiting_.pop_front();
    on_answer(Error{Outcome::timed_out, "no server to ask"});
  }
  if (!waiting_.empty()) waiting_timer_.set_at(waiting_.front().deadline);
}

void SessionKeeper::leave() {
  if (is_over_) return;
  if (!connection_) return end(Error{Outcome::cancelled, "left"});
  is_over_ = true;
  stop_searching();
  fail_waiting(Error{Outcome::cancelled, "left"});
  connection_->close(Outcome::done, "left");
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
  for (const Waiting& each : std::exchange(waiting_, {})) each.on_answer(why);
}

}  // namespace callboard::client
