#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "client/agent_fields.h"
#include "client/agent_message.h"
#include "protocol/frame.h"

namespace callboard::client::agent {

// The agent's half of one connection, without I/O: bytes of the command in, what it asks out, and answers to bytes.
// Holds at most one partial frame of kAskFrameMax, and the numbers of at most kAsksMax asks. After an error every later
// call returns it; end the connection. One thread.
class AgentSession {
 public:
  struct Asked {
    AskId id = 0;
    Ask ask;
  };
  struct Cancelled {
    AskId id = 0;
  };
  using Event = std::variant<Asked, Cancelled>;

  // The first thing to send.
  static Bytes opening(const Hello& hello);

  // What the bytes bring, in order. Asks for which there was an answer meanwhile cannot be cancelled: no event.
  Result<std::vector<Event>> on_bytes(ByteView bytes);
  bool is_open(AskId id) const { return open_.contains(id); }
  std::size_t open_asks() const { return open_.size(); }

  // To send, for an ask that is_open(). The answer closes it.
  template <class T>
  Bytes answer(AskId id, const Result<T>& result) {
    Bytes body;
    Writer fields(body);
    fields(id, result.has_value());
    if (result) {
      fields(*result);
    } else {
      fields(result.error());
    }
    return close(id, std::move(body));
  }
  Bytes progress(AskId id, const PullProgress& progress) const;
  Bytes call_progress(AskId id, const std::string& json) const;

 private:
  Result<Event> event_of(const protocol::FrameView& frame);
  Bytes close(AskId id, Bytes body);

  protocol::FrameReader reader_{kAskFrameMax};
  std::set<AskId> open_;
  std::optional<Error> error_;
};

}  // namespace callboard::client::agent
