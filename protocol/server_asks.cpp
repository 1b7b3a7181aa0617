#include "protocol/server_asks.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"

namespace callboard::protocol {

namespace {

// Up to this size an attachment is copied: that costs less than one more to be kept and sent by itself.
constexpr std::uint64_t kCopiedMax = 1 * KiB;
// Answers that are put together: what is sent as one is not held back half way.
constexpr std::size_t kTogetherMax = 16 * KiB;
// What is set aside at once when there is something: most of sixteen small answers.
constexpr std::size_t kTextAtFirst = 1000;
// What more asks take is not kept.
constexpr std::size_t kAsksKept = 64;

AskId answered_id(const Answer& answer) {
  if (const auto* encoded = std::get_if<EncodedAnswer>(&answer)) return encoded->re;
  const auto id = answered_id_of(std::get<ServerMessage>(answer));
  ENSURE(id);
  return *id;
}

std::uint64_t size_of(const Document& document) {
  return document == nullptr ? std::uint64_t{0} : document->size();
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

std::optional<AskId> answered_id_of(const ServerMessage& message) {
  return std::visit(
      [](const auto& held) -> std::optional<AskId> {
        if constexpr (requires { held.re; }) return held.re;
        return std::nullopt;
      },
      message);
}

Result<void> ServerAsks::on_ask(std::shared_ptr<ClientMessage> ask) {
  const auto id = ask_id_of(*ask);
  ENSURE(id);
  if (unanswered() >= kAsksPerTurn) {
    return Error{Outcome::refused, fmt::format("more than {} asks are unanswered", kAsksPerTurn)};
  }
  const auto bytes = weight_bytes(*ask);
  // One ask alone is bounded by the frame that brought it.
  if (weight_bytes_ > 0 && weight_bytes_ + bytes > kUnansweredBytesMax) {
    return Error{Outcome::refused, fmt::format("more than {} of documents and items are unanswered",
                                               human_bytes(kUnansweredBytesMax))};
  }
  if (room_ == nullptr) room_ = take_reused<Room>();
  const auto place = place_of(*id);
  if (place != room_->in_flight.end() && place->id == *id) {
    return Error{Outcome::usage, fmt::format("ask {} is still unanswered", *id)};
  }
  const auto* unknown = std::get_if<UnknownAsk>(ask.get());
  room_->in_flight.insert(place, {.id = *id, .delivered = unknown != nullptr, .weight_bytes = bytes});
  weight_bytes_ += bytes;
  if (unknown != nullptr) {
    hold(ServerMessage(
        ErrorAnswer{*id, Outcome::usage, fmt::format("unknown verb {}", quoted(unknown->verb))}));
  } else {
    room_->received.push_back(std::move(ask));
  }
  return {};
}

std::shared_ptr<ClientMessage> ServerAsks::next() {
  if (room_ == nullptr || room_->received.empty() || held_count_ >= kAnswersHeld) return nullptr;
  auto& received = room_->received;
  const std::uint64_t most = answer_bytes_max(*received.front());
  if (answer_bytes_ > 0 && answer_bytes_ + most > kAnswerBytesHeld) return nullptr;
  auto ask = std::move(received.front());
  received.erase(received.begin());
  InFlight& in_flight = *place_of(*ask_id_of(*ask));
  in_flight.delivered = true;
  in_flight.answer_bytes_max = most;
  answer_bytes_ += most;
  return ask;
}

void ServerAsks::hold(Answer&& answer) {
  const AskId re = answered_id(answer);
  ENSURE(room_ != nullptr);
  const auto ask = place_of(re);
  ENSURE(ask != room_->in_flight.end() && ask->id == re && ask->delivered && !ask->answered);
  ask->answered = true;
  weight_bytes_ -= ask->weight_bytes;
  answer_bytes_ -= ask->answer_bytes_max;
  ++held_count_;
  if (auto* encoded = std::get_if<EncodedAnswer>(&answer)) return hold_encoded(std::move(encoded->frame));
  const auto& message = std::get<ServerMessage>(answer);
  const auto* result = std::get_if<CallResult>(&message);
  if (result != nullptr && answer_bytes_ > 0 && answer_bytes_ + size_of(result->value) > kAnswerBytesHeld) {
    return hold_message(ErrorAnswer{
        re, Outcome::interrupted,
        fmt::format("the call was done, but its result is not kept: answers of {} wait for you to "
                    "read them; then ask again by the same op",
                    human_bytes(answer_bytes_))});
  }
  hold_message(message);
}

// As it is sent: it takes less so, and how much is known.
void ServerAsks::hold_message(const ServerMessage& message) {
  if (held_text_ == nullptr) {
    held_text_ = take_reused<std::string>();
    held_text_->reserve(kTextAtFirst);
  }
  const std::size_t size_before = held_text_->size();
  const Document& attachment = append_encoded(message, *held_text_);
  answer_bytes_ += held_text_->size() - size_before + size_of(attachment);
  const bool is_copied = attachment != nullptr && attachment->size() <= kCopiedMax;
  if (is_copied) *held_text_ += *attachment;
  if (attachment != nullptr && !is_copied) return end_text(attachment);
  if (held_text_->size() >= kTogetherMax) end_text(nullptr);
}

void ServerAsks::hold_encoded(EncodedFrame frame) {
  answer_bytes_ += frame.size_bytes();
  if (held_text_ != nullptr) end_text(nullptr);
  held_.push_back(std::move(frame));
}

void ServerAsks::end_text(Document attachment) {
  held_.push_back({std::shared_ptr<const std::string>(std::move(held_text_)), std::move(attachment)});
}

std::vector<EncodedFrame> ServerAsks::take_held() {
  if (room_ != nullptr) {
    std::erase_if(room_->in_flight, [](const InFlight& ask) { return ask.answered; });
    if (room_->in_flight.empty()) room_.reset();
  }
  if (held_text_ != nullptr) end_text(nullptr);
  held_count_ = 0;
  return std::exchange(held_, {});
}

void ServerAsks::Room::clear() {
  empty_and_keep(in_flight, kAsksKept);
  empty_and_keep(received, kAsksKept);
}

std::vector<ServerAsks::InFlight>::iterator ServerAsks::place_of(AskId id) {
  auto& in_flight = room_->in_flight;
  if (in_flight.empty() || in_flight.back().id < id) return in_flight.end();
  if (in_flight.back().id == id) return std::prev(in_flight.end());
  return std::ranges::lower_bound(in_flight, id, {}, &InFlight::id);
}

}  // namespace callboard::protocol
