#include "client/agent_replies.h"

#include <utility>

namespace callboard::client::agent {
namespace {

Error malformed_reply() { return {Outcome::failed, "the agent does not speak as expected"}; }

// The id, and whether it is good: Writer makes every number a u64.
constexpr std::size_t kAnswerHeadBytes = 2 * sizeof(std::uint64_t);

}  // namespace

Bytes Replies::cancel(AskId id) {
  Bytes body;
  Writer{body}(id);
  return frame_of(static_cast<std::uint8_t>(Frame::cancel), body);
}

Bytes Replies::frame_of(std::uint8_t kind, ByteView body) {
  Bytes frame;
  protocol::append_frame(kind, body, frame);
  return frame;
}

Result<std::optional<Replies::Event>> Replies::next() {
  if (error_) return *error_;
  const auto frame = reader_.next();
  if (frame && !*frame) return std::optional<Event>();
  auto event = frame ? event_of(**frame) : Result<Event>(frame.error());
  if (!event) {
    error_ = event.error();
    return *error_;
  }
  return std::optional(std::move(*event));
}

Result<Replies::Event> Replies::event_of(const protocol::FrameView& frame) {
  Reader fields(frame.body);
  if (!std::exchange(has_hello_, true)) {
    Hello hello;
    // Another version's may have other fields: then only this one is of interest.
    fields(hello.protocol);
    if (frame.kind != static_cast<std::uint8_t>(Frame::hello) || fields.failed()) return malformed_reply();
    if (hello.protocol != kProtocol) return Event(hello);
    Reader again(frame.body);
    again(hello);
    return again.finished() ? Result<Event>(Event(std::move(hello))) : Result<Event>(malformed_reply());
  }
  if (frame.kind == static_cast<std::uint8_t>(Frame::answer)) {
    Answered answered;
    fields(answered.id, answered.is_good);
    if (fields.failed()) return malformed_reply();
    answered.body = frame.body.subspan(kAnswerHeadBytes);
    return Event(answered);
  }
  if (frame.kind == static_cast<std::uint8_t>(Frame::progress)) {
    Progressed progressed;
    fields(progressed.id, progressed.progress);
    return fields.finished() ? Result<Event>(Event(std::move(progressed))) : Result<Event>(malformed_reply());
  }
  if (frame.kind == static_cast<std::uint8_t>(Frame::call_progress)) {
    CallProgressed progressed;
    fields(progressed.id, progressed.json);
    return fields.finished() ? Result<Event>(Event(std::move(progressed))) : Result<Event>(malformed_reply());
  }
  return malformed_reply();
}

}  // namespace callboard::client::agent
