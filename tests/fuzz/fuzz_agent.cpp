#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "client/agent_replies.h"
#include "client/agent_session.h"

// Either end of an agent's connection against a peer that says anything in any pieces. The first byte says which end, the
// others are the stream. Wanted: no crash, no memory beyond what was sent, no more open asks than allowed, every ask answered
// once; and what a command understands of an answer is again what an agent would say.
namespace callboard::client::agent {
namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void hear_commands(ByteView stream) {
  AgentSession session;
  std::vector<AskId> open;
  while (!stream.empty()) {
    const std::size_t size = std::min<std::size_t>(stream.size(), 1 + static_cast<std::size_t>(stream[0]));
    const auto events = session.on_bytes(stream.first(size));
    stream = stream.subspan(size);
    if (!events) {
      must(!session.on_bytes({}).has_value());
      return;
    }
    for (const auto& event : *events) {
      if (const auto* asked = std::get_if<AgentSession::Asked>(&event)) {
        must(session.is_open(asked->id));
        (void)session.progress(asked->id, {});
        open.push_back(asked->id);
      }
    }
    must(open.size() <= kAsksMax);
    // Every second turn something is answered.
    if (!open.empty() && size % 2 == 0) {
      (void)session.answer<bool>(open.back(), true);
      must(!session.is_open(open.back()));
      open.pop_back();
    }
  }
}

template <class T>
void understand(const Replies::Answered& answered) {
  const Result<T> value = Replies::to_result<T>(answered);
  if (!value) return;
  Bytes again;
  Writer{again}(*value);
  must(again.size() == answered.body.size());
}

void hear_agent(ByteView stream) {
  Replies replies;
  replies.push(stream);
  for (;;) {
    const auto event = replies.next();
    if (!event || !*event) return;
    const auto* answered = std::get_if<Replies::Answered>(&**event);
    if (answered == nullptr) continue;
    understand<Document>(*answered);
    understand<WriteResult>(*answered);
    understand<std::vector<User>>(*answered);
    understand<std::vector<Message>>(*answered);
    understand<std::vector<LookEntry>>(*answered);
    understand<ServerStatus>(*answered);
    understand<WorkstationStatus>(*answered);
    understand<PullReport>(*answered);
    // Keys that come twice are one.
    (void)Replies::to_result<Assets>(*answered);
  }
}

}  // namespace
}  // namespace callboard::client::agent

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace callboard;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  if (bytes.empty()) return 0;
  if (bytes[0] == std::byte{0}) {
    client::agent::hear_commands(bytes.subspan(1));
  } else {
    client::agent::hear_agent(bytes.subspan(1));
  }
  return 0;
}
