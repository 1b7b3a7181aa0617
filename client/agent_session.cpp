#include "client/agent_session.h"

#include <optional>
#include <string>
#include <utility>

namespace callboard::client::agent {
namespace {

Bytes frame_of(Frame kind, ByteView body) {
  Bytes frame;
  frame.reserve(protocol::kFrameHeadSize + body.size());
  protocol::append_frame(static_cast<std::uint8_t>(kind), body, frame);
  return frame;
}

Error malformed(std::string_view what) { return {Outcome::refused, std::string(what) + ": malformed"}; }

// Ask's alternative of this number, with default values.
template <std::size_t... I>
std::optional<Ask> ask_of(std::size_t number, std::index_sequence<I...>) {
  std::optional<Ask> ask;
  static_cast<void>(((I == number && (ask.emplace(std::in_place_index<I>), true)) || ...));
  return ask;
}

}  // namespace

Bytes AgentSession::opening(const Hello& hello) {
  Bytes body;
  Writer{body}(hello);
  return frame_of(Frame::hello, body);
}

Result<std::vector<AgentSession::Event>> AgentSession::on_bytes(ByteView bytes) {
  if (error_) return *error_;
  std::vector<Event> events;
  reader_.push(bytes);
  for (;;) {
    const auto frame = reader_.next();
    if (frame && !*frame) return events;
    auto event = frame ? event_of(**frame) : Result<Event>(frame.error());
    if (!event) {
      error_ = event.error();
      return *error_;
    }
    const auto* cancelled = std::get_if<Cancelled>(&*event);
    if (cancelled == nullptr || is_open(cancelled->id)) events.push_back(std::move(*event));
  }
}

Result<AgentSession::Event> AgentSession::event_of(const protocol::FrameView& frame) {
  Reader fields(frame.body);
  if (frame.kind == static_cast<std::uint8_t>(Frame::cancel)) {
    Cancelled cancelled;
    fields(cancelled.id);
    if (!fields.finished()) return malformed("cancel");
    return Event(cancelled);
  }
  constexpr auto kFirst = static_cast<std::uint8_t>(Frame::ask);
  auto ask = frame.kind < kFirst ? std::nullopt
                                 : ask_of(frame.kind - std::size_t{kFirst},
                                          std::make_index_sequence<std::variant_size_v<Ask>>{});
  if (!ask) {
    return Error{Outcome::refused,
                 "frame: expected an ask or cancel, got kind " + std::to_string(frame.kind)};
  }
  Asked asked{.id = 0, .ask = std::move(*ask)};
  fields(asked.id);
  std::visit([&](auto& one) { fields(one); }, asked.ask);
  if (!fields.finished()) return malformed("ask");
  if (open_.size() >= kAsksMax) {
    return Error{Outcome::refused, "expected at most " + std::to_string(kAsksMax) + " asks at a time"};
  }
  if (!open_.insert(asked.id).second) {
    return Error{Outcome::refused, "ask " + std::to_string(asked.id) + ": asked twice"};
  }
  return Event(std::move(asked));
}

Bytes AgentSession::close(AskId id, Bytes body) {
  ENSURE(open_.erase(id) == 1);
  if (body.size() < kAnswerFrameMax) return frame_of(Frame::answer, body);
  Bytes instead;
  Writer{instead}(id, false, Error{Outcome::failed, "the answer is too long to be told"});
  return frame_of(Frame::answer, instead);
}

Bytes AgentSession::progress(AskId id, const PullProgress& progress) const {
  ENSURE(is_open(id));
  Bytes body;
  Writer{body}(id, progress);
  return frame_of(Frame::progress, body);
}

Bytes AgentSession::call_progress(AskId id, const std::string& json) const {
  ENSURE(is_open(id));
  Bytes body;
  Writer{body}(id, json);
  return frame_of(Frame::call_progress, body);
}

}  // namespace callboard::client::agent
