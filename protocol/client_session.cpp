#include "protocol/client_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/ensure.h"
#include "protocol/faults.h"
#include "protocol/frame.h"
#include "protocol/server_asks.h"

namespace callboard::protocol {

namespace {

// What a server may demand; outside of it a workstation would rejoin all the time, or never.
constexpr std::chrono::milliseconds kSilenceMin = 1s;
constexpr std::chrono::milliseconds kSilenceMax = 1h;

bool is_tell(const ServerMessage& message) {
  return std::holds_alternative<DocumentState>(message) || std::holds_alternative<Conflicts>(message) ||
         std::holds_alternative<Writable>(message) || std::holds_alternative<Admitting>(message) ||
         std::holds_alternative<Slower>(message) || std::holds_alternative<Assets>(message) ||
         std::holds_alternative<Users>(message) || std::holds_alternative<Messages>(message) ||
         std::holds_alternative<Records>(message) || std::holds_alternative<AtTell>(message) ||
         std::holds_alternative<Give>(message) || std::holds_alternative<ChannelTell>(message) ||
         std::holds_alternative<TransferOver>(message) || std::holds_alternative<CallProgress>(message) ||
         std::holds_alternative<CallTell>(message) || std::holds_alternative<CallCancelTell>(message);
}

}  // namespace

ClientSession::ClientSession(ClientIdentity identity, Instant now)
    : join_(std::move(identity), now), started_(now), now_(now) {}

std::optional<ClientAction> ClientSession::next_action() {
  if (actions_.empty()) return std::nullopt;
  auto action = std::move(actions_.front());
  actions_.pop_front();
  return action;
}

// --- What happens on the connection ---------------------------------------------------------------------------------

void ClientSession::on_message(ServerMessage message, Instant now) {
  if (over_) return;
  now_ = now;
  if (turn_) turn_->on_heard(now);
  if (const auto* bye = std::get_if<Bye>(&message)) return finish(said_bye(*bye), bye->for_good, bye->to);
  if (turn_) {
    turn_message(std::move(message));
  } else {
    perform(join_.on_message(std::move(message), now));
  }
}

void ClientSession::turn_message(ServerMessage message) {
  if (std::holds_alternative<Yours>(message)) return on_yours();
  if (answered_id_of(message)) {
    auto answered = asks_.on_answer(std::move(message));
    if (!answered) return end_with(answered.error());
    if (*answered) actions_.push_back(std::move(**answered));
    return request_turn();
  }
  if (std::holds_alternative<UnknownTell>(message)) return;
  if (!is_tell(message)) return end_with(unexpected("a tell", verb_of(message)));
  actions_.push_back(client_action::Told{std::move(message)});
}

void ClientSession::on_yours() {
  if (turn_->on_yours()) return speak();
  // What came up since it spoke.
  request_turn();
}

void ClientSession::request_turn() {
  const bool has_news = asks_.has_sendable() || !progress_.empty();
  if (!has_news || !turn_->request()) return;
  actions_.push_back(client_action::Send{TurnRequest{.speaks = true}});
  speak();
}

// A whole turn.
void ClientSession::speak() {
  for (auto& [call, value] : std::exchange(progress_, {})) {
    actions_.push_back(client_action::Send{CallProgressed{call, std::move(value)}});
  }
  for (auto& ask : asks_.take_sendable()) actions_.push_back(client_action::Send{std::move(ask)});
  actions_.push_back(client_action::Send{Yours{}});
}

void ClientSession::on_garbage(const Error& error) {
  if (!over_) end_with(error);
}

void ClientSession::on_progress(Instant now) {
  now_ = now;
  if (turn_) turn_->on_heard(now);
}

void ClientSession::on_disconnected(const Error& error) {
  if (!over_) finish(error);
}

// --- What the owner wants -------------------------------------------------------------------------------------------

void ClientSession::claim(DocumentClaim claim) {
  if (!over_) actions_.push_back(join_.claim(std::move(claim)));
}

void ClientSession::claim(AssetsClaim claim) {
  if (!over_) actions_.push_back(join_.claim(std::move(claim)));
}

AskId ClientSession::ask(ClientMessage message, Instant now) {
  const auto size_bytes = document_size_bytes(message);
  const auto id = asks_.add(std::move(message), now);
  if (over_) {
    push(asks_.interrupt(end_reason_));
    return id;
  }
  now_ = now;
  if (size_bytes > document_max_) push(asks_.refuse_larger_than(document_max_));
  if (turn_) request_turn();
  return id;
}

void ClientSession::tell(CallProgressed progress) {
  if (over_ || !turn_) return;
  progress_[progress.call] = std::move(progress.value);
  request_turn();
}

void ClientSession::close(Outcome outcome, std::string reason) {
  if (!over_) end_with({outcome, std::move(reason)});
}

// --- Time -----------------------------------------------------------------------------------------------------------

std::optional<Instant> ClientSession::next_deadline() const {
  if (over_) return std::nullopt;
  const auto own = turn_ ? turn_->deadline() : started_ + kHandshakeLimit;
  return std::min(own, asks_.next_deadline().value_or(own));
}

void ClientSession::on_time(Instant now) {
  if (over_) return;
  now_ = now;
  push(asks_.on_time(now));
  if (turn_ && turn_->is_silent(now)) {
    end_with({Outcome::timed_out, fmt::format("the server said nothing for {} s", whole_seconds(silence_))});
  } else if (!turn_ && now >= started_ + kHandshakeLimit) {
    end_with({Outcome::timed_out, fmt::format("the join took longer than {} s, waiting for {}",
                                              whole_seconds(kHandshakeLimit), join_.awaited())});
  }
}

ClientSession::Step ClientSession::step() const {
  if (over_) return Step::over;
  if (!turn_) return Step::awaiting_join;
  return turn_->step() == ClientTurn::Step::awaiting_news ? Step::awaiting_news : Step::awaiting_yours;
}

// --- The join's results, and the end --------------------------------------------------------------------------------

void ClientSession::perform(Result<std::vector<ClientAction>> actions) {
  if (!actions) return end_with(actions.error());
  for (auto& action : *actions) {
    if (auto* closed = std::get_if<client_action::Closed>(&action)) {
      return finish({closed->outcome, std::move(closed->reason)});
    }
    const auto* admission = std::get_if<client_action::Admitted>(&action);
    if (admission != nullptr) apply(admission->welcome);
    const bool joined = std::holds_alternative<client_action::Joined>(action);
    actions_.push_back(std::move(action));
    if (!joined) continue;
    turn_.emplace(silence_, now_);
    on_yours();
  }
}

void ClientSession::apply(const Welcome& welcome) {
  silence_ = std::clamp(welcome.silence, kSilenceMin, kSilenceMax);
  document_max_ = document_max(welcome.frame_max);
  push(asks_.refuse_larger_than(document_max_));
}

// The document shares its frame with a kind, a header's length and a header.
std::uint64_t ClientSession::document_max(std::uint64_t frame_max) {
  constexpr std::uint64_t kOthers = kFrameKindSize + 4 + kHeaderMax;
  return frame_max > kOthers ? frame_max - kOthers : 0;
}

void ClientSession::push(std::vector<client_action::Answered> answers) {
  for (auto& answer : answers) actions_.push_back(std::move(answer));
}

void ClientSession::end_with(Error error) {
  actions_.push_back(client_action::Send{Bye{error.outcome, error.text}});
  finish(std::move(error));
}

void ClientSession::finish(Error error, bool is_for_good, std::string to) {
  ENSURE(!over_);
  over_ = true;
  end_reason_ = error.text;
  push(asks_.interrupt(end_reason_));
  actions_.push_back(client_action::Closed{error.outcome, std::move(error.text), is_for_good, std::move(to)});
}

}  // namespace callboard::protocol
