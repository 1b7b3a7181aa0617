#include "protocol/server_asks.h"

#include <fmt/format.h>

#include <type_traits>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"

namespace callboard::protocol {

namespace {

std::optional<AskId> answered_id(const Answer& answer) {
  const auto* encoded = std::get_if<EncodedAnswer>(&answer);
  return encoded != nullptr ? encoded->re : answered_id_of(std::get<ServerMessage>(answer));
}

}  // namespace

std::optional<AskId> ask_id_of(const ClientMessage& message) {
  return std::visit(
      [](const auto& held) -> std::optional<AskId> {
        if constexpr (requires { held.id; }) return held.id;
        return std::nullopt;
      },
      message);
}

void set_ask_id(ClientMessage& ask, AskId id) {
  ENSURE(ask_id_of(ask));
  std::visit(
      [id](auto& held) {
        if constexpr (requires { held.id; }) held.id = id;
      },
      ask);
}

std::uint64_t document_size_bytes(const ClientMessage& ask) {
  const auto size = [](const Document& document) {
    return document == nullptr ? std::uint64_t{0} : document->size();
  };
  if (const auto* write = std::get_if<DocumentWrite>(&ask)) return size(write->document);
  if (const auto* call = std::get_if<CallAsk>(&ask)) return size(call->arguments);
  if (const auto* offer = std::get_if<OfferAsk>(&ask)) return size(offer->descriptions);
  if (const auto* called = std::get_if<CalledAsk>(&ask)) return size(called->value);
  if (const auto* record = std::get_if<RecordAsk>(&ask)) return size(record->fields);
  if (const auto* schema = std::get_if<SchemaAsk>(&ask)) return size(schema->schema);
  return 0;
}

std::uint64_t weight_bytes(const ClientMessage& ask) {
  const auto* change = std::get_if<AssetsChange>(&ask);
  return change == nullptr ? document_size_bytes(ask) : change->items.size() * kItemWeight;
}

std::optional<AskId> answered_id_of(const ServerMessage& message) {
  return std::visit(
      [](const auto& held) -> std::optional<AskId> {
        if constexpr (requires { held.re; }) return held.re;
        return std::nullopt;
      },
      message);
}

Result<void> ServerAsks::on_ask(ClientMessage ask) {
  const auto id = ask_id_of(ask);
  ENSURE(id);
  if (in_flight_.size() >= kAsksPerTurn) {
    return Error{Outcome::refused, fmt::format("more than {} asks are unanswered", kAsksPerTurn)};
  }
  const auto bytes = weight_bytes(ask);
  // One ask alone is bounded by the frame that brought it.
  if (weight_bytes_ > 0 && weight_bytes_ + bytes > kUnansweredBytesMax) {
    return Error{Outcome::refused, fmt::format("more than {} of documents and items are unanswered",
                                               human_bytes(kUnansweredBytesMax))};
  }
  if (!in_flight_.emplace(*id, InFlight{.weight_bytes = bytes}).second) {
    return Error{Outcome::usage, fmt::format("ask {} is still unanswered", *id)};
  }
  weight_bytes_ += bytes;
  if (const auto* unknown = std::get_if<UnknownAsk>(&ask)) {
    in_flight_.at(*id).delivered = true;
    hold(ServerMessage(
        ErrorAnswer{*id, Outcome::usage, fmt::format("unknown verb {}", quoted(unknown->verb))}));
  } else {
    received_.push_back(std::move(ask));
  }
  return {};
}

std::optional<ClientMessage> ServerAsks::next() {
  if (received_.empty() || held_.size() >= kAnswersHeld) return std::nullopt;
  auto ask = std::move(received_.front());
  received_.pop_front();
  in_flight_.at(*ask_id_of(ask)).delivered = true;
  return ask;
}

void ServerAsks::hold(Answer answer) {
  const auto id = answered_id(answer);
  ENSURE(id);
  const auto ask = in_flight_.find(*id);
  ENSURE(ask != in_flight_.end() && ask->second.delivered && !ask->second.answered);
  ask->second.answered = true;
  weight_bytes_ -= ask->second.weight_bytes;
  held_.push_back(std::move(answer));
}

std::vector<Answer> ServerAsks::take_held() {
  for (const auto& answer : held_) in_flight_.erase(*answered_id(answer));
  return std::exchange(held_, {});
}

}  // namespace callboard::protocol
