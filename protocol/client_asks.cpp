#include "protocol/client_asks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/ensure.h"
#include "base/escaped_again.h"
#include "base/limits.h"
#include "base/text.h"
#include "protocol/server_asks.h"

namespace callboard::protocol {

using client_action::Answered;

namespace {

// Of a server that says more than a person reads.
constexpr std::size_t kErrorShownBytes = 16 * KiB;

Result<ServerMessage> answer_or_error(ServerMessage answer) {
  if (auto* error = std::get_if<ErrorAnswer>(&answer)) {
    // An error that is no error would read as success.
    const auto outcome = error->outcome == Outcome::done ? Outcome::failed : error->outcome;
    // The server has escaped what it quotes; whoever it may be, no control character comes through.
    return Error{outcome, escaped_again(cut(error->text, kErrorShownBytes))};
  }
  if (const auto* unknown = std::get_if<UnknownAnswer>(&answer)) {
    return Error{Outcome::failed,
                 fmt::format("the server's answer {} is unknown here", quoted(unknown->verb))};
  }
  return answer;
}

Duration limit_of(const ClientMessage& ask) {
  const auto* call = std::get_if<CallAsk>(&ask);
  if (call == nullptr) return kAskLimit;
  return (call->deadline > 0ms ? call->deadline : kCallDeadline) + kCallPatience;
}

}  // namespace

AskId ClientAsks::add(ClientMessage ask, Instant now) {
  const auto id = next_free_id();
  const Asked asked{now + limit_of(ask), now};
  set_ask_id(ask, id);
  asked_.emplace(id, asked);
  due_.emplace(asked.deadline, id);
  queue_.push_back(std::move(ask));
  return id;
}

// Ids go round after 2^32; one whose answer is still to come is not used again.
AskId ClientAsks::next_free_id() {
  do {
    ++last_id_;
  } while (asked_.contains(last_id_) || in_flight_.contains(last_id_));
  return last_id_;
}

bool ClientAsks::has_sendable() const {
  if (queue_.empty() || in_flight_.size() >= kAsksPerTurn) return false;
  return weight_bytes_ == 0 || weight_bytes_ + weight_bytes(queue_.front()) <= kUnansweredBytesMax;
}

std::vector<ClientMessage> ClientAsks::take_sendable() {
  std::vector<ClientMessage> asks;
  while (has_sendable()) {
    const auto bytes = weight_bytes(queue_.front());
    const bool is_write = std::holds_alternative<DocumentWrite>(queue_.front());
    in_flight_.emplace(*ask_id_of(queue_.front()), Sent{bytes, is_write});
    weight_bytes_ += bytes;
    asks.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return asks;
}

Result<std::optional<ClientAction>> ClientAsks::on_answer(ServerMessage answer) {
  const auto id = answered_id_of(answer);
  ENSURE(id);
  const auto found = in_flight_.find(*id);
  if (found == in_flight_.end())
    return Error{Outcome::usage, fmt::format("answered ask {}, which is not asked", *id)};
  const Sent sent = found->second;
  weight_bytes_ -= sent.weight_bytes;
  in_flight_.erase(found);
  if (forget(*id)) return std::optional<ClientAction>(Answered{*id, answer_or_error(std::move(answer))});
  auto* state = std::get_if<DocumentState>(&answer);
  if (state == nullptr || !sent.is_write) return std::optional<ClientAction>();
  // The server counts it as told: the next changes are told as changes of that.
  state->re.reset();
  return std::optional<ClientAction>(client_action::Told{std::move(answer)});
}

std::vector<Answered> ClientAsks::refuse_larger_than(std::uint64_t document_max) {
  std::vector<Answered> answers;
  std::erase_if(queue_, [&](const ClientMessage& ask) {
    const auto bytes = document_size_bytes(ask);
    if (bytes <= document_max) return false;
    const auto id = *ask_id_of(ask);
    forget(id);
    answers.push_back(
        {id, Error{Outcome::refused, fmt::format("document: expected at most {}, got {}",
                                                 human_bytes(document_max), human_bytes(bytes))}});
    return true;
  });
  return answers;
}

bool ClientAsks::forget(AskId id) {
  const auto asked = asked_.find(id);
  if (asked == asked_.end()) return false;
  due_.erase({asked->second.deadline, id});
  asked_.erase(asked);
  return true;
}

std::vector<Answered> ClientAsks::on_time(Instant now) {
  std::vector<Answered> answers;
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto id = due_.begin()->second;
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(now - asked_.at(id).since);
    forget(id);
    std::erase_if(queue_, [id](const ClientMessage& ask) { return ask_id_of(ask) == id; });
    answers.push_back({id, Error{Outcome::timed_out, fmt::format("no answer within {} s", waited.count())}});
  }
  return answers;
}

std::vector<Answered> ClientAsks::interrupt(const std::string& reason) {
  std::vector<Answered> answers;
  for (const auto& [id, asked] : asked_) answers.push_back({id, Error{Outcome::interrupted, reason}});
  asked_.clear();
  due_.clear();
  queue_.clear();
  in_flight_.clear();
  weight_bytes_ = 0;
  return answers;
}

std::optional<Instant> ClientAsks::next_deadline() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

}  // namespace callboard::protocol
