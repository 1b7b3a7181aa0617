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

std::uint64_t size_of(const Document& document) {
  return document == nullptr ? std::uint64_t{0} : document->size();
}

template <class Entries>
std::uint64_t size_of_all(const Entries& entries) {
  return entries.size() * sizeof(typename Entries::value_type);
}

std::uint64_t size_of_one(const DocumentState& state) { return size_of(state.document); }
std::uint64_t size_of_one(const Records& records) { return size_of(records.records); }
std::uint64_t size_of_one(const CallResult& result) { return size_of(result.value); }
std::uint64_t size_of_one(const CallList& list) { return size_of(list.descriptions); }
std::uint64_t size_of_one(const Revisions& list) { return size_of_all(list.revisions); }
std::uint64_t size_of_one(const AuditEntries& list) { return size_of_all(list.entries); }
std::uint64_t size_of_one(const Conflicts& list) {
  std::uint64_t bytes = size_of_all(list.conflicts);
  for (const Conflict& each : list.conflicts) bytes += each.winner.value.size() + each.loser.value.size();
  return bytes;
}
std::uint64_t size_of_one(const Messages& list) {
  std::uint64_t bytes = size_of_all(list.messages);
  for (const UserMessage& each : list.messages) bytes += each.text.size();
  return bytes;
}

template <class... T>
bool is_any(const ClientMessage& message) {
  return (std::holds_alternative<T>(message) || ...);
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
  if (const auto* write = std::get_if<DocumentWrite>(&ask)) return size_of(write->document);
  if (const auto* call = std::get_if<CallAsk>(&ask)) return size_of(call->arguments);
  if (const auto* offer = std::get_if<OfferAsk>(&ask)) return size_of(offer->descriptions);
  if (const auto* called = std::get_if<CalledAsk>(&ask)) return size_of(called->value);
  if (const auto* record = std::get_if<RecordAsk>(&ask)) return size_of(record->fields);
  if (const auto* schema = std::get_if<SchemaAsk>(&ask)) return size_of(schema->schema);
  return 0;
}

std::uint64_t weight_bytes(const ClientMessage& ask) {
  const auto* change = std::get_if<AssetsChange>(&ask);
  return change == nullptr ? document_size_bytes(ask) : change->items.size() * kItemWeight;
}

std::uint64_t answer_bytes_max(const ClientMessage& ask) {
  if (is_any<DocumentRead>(ask)) return kFrameMax;
  const bool is_listed =
      is_any<HistoryAsk, ConflictsAsk, AuditAsk, MessagesAsk, RecordsRead, AssetsRead, UsersAsk>(ask);
  return is_listed ? kListedAnswerMax : 0;
}

std::uint64_t size_bytes(const Answer& answer) {
  if (const auto* encoded = std::get_if<EncodedAnswer>(&answer)) return encoded->frame.size_bytes();
  return std::visit(
      [](const auto& one) -> std::uint64_t {
        if constexpr (requires { size_of_one(one); }) return size_of_one(one);
        return 0;
      },
      std::get<ServerMessage>(answer));
}

std::optional<AskId> answered_id_of(const ServerMessage& message) {
  return std::visit(
      [](const auto& held) -> std::optional<AskId> {
        if constexpr (requires { held.re; }) return held.re;
        return std::nullopt;
      },
      message);
}

Result<void> ServerAsks::on_ask(ClientMessage&& ask) {
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
  const std::uint64_t most = answer_bytes_max(received_.front());
  if (answer_bytes_ > 0 && answer_bytes_ + most > kAnswerBytesHeld) return std::nullopt;
  std::optional<ClientMessage> ask(std::move(received_.front()));
  received_.pop_front();
  InFlight& in_flight = in_flight_.at(*ask_id_of(*ask));
  in_flight.delivered = true;
  in_flight.answer_bytes_max = most;
  answer_bytes_ += most;
  return ask;
}

void ServerAsks::hold(Answer&& answer) {
  const auto id = answered_id(answer);
  ENSURE(id);
  const auto ask = in_flight_.find(*id);
  ENSURE(ask != in_flight_.end() && ask->second.delivered && !ask->second.answered);
  ask->second.answered = true;
  weight_bytes_ -= ask->second.weight_bytes;
  answer_bytes_ -= ask->second.answer_bytes_max;
  const std::uint64_t bytes = size_bytes(answer);
  const auto* message = std::get_if<ServerMessage>(&answer);
  const bool is_result = message != nullptr && std::holds_alternative<CallResult>(*message);
  if (is_result && answer_bytes_ > 0 && answer_bytes_ + bytes > kAnswerBytesHeld) {
    answer = ServerMessage(ErrorAnswer{
        *id, Outcome::interrupted,
        fmt::format("the call was done, but its result is not kept: answers of {} wait for you to "
                    "read them; then ask again by the same op",
                    human_bytes(answer_bytes_))});
    return held_.push_back({std::move(answer), 0});
  }
  answer_bytes_ += bytes;
  held_.push_back({std::move(answer), bytes});
}

std::list<ServerAsks::Held> ServerAsks::take_held() {
  for (const Held& each : held_) in_flight_.erase(*answered_id(each.answer));
  return std::exchange(held_, {});
}

}  // namespace callboard::protocol
