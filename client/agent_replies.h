#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "client/agent_fields.h"
#include "client/agent_message.h"
#include "protocol/frame.h"

namespace callboard::client::agent {

// The command's half of a connection, without I/O: what it asks to bytes, and the agent's bytes to what they say. After an
// error every later next() returns it. One thread may make bytes while another reads.
class Replies {
 public:
  struct Answered {
    AskId id = 0;
    bool is_good = false;
    ByteView body;  // For to_result(), valid until the next call.
  };
  struct Progressed {
    AskId id = 0;
    PullProgress progress;
  };
  struct CallProgressed {
    AskId id = 0;
    std::string json;
  };
  using Event = std::variant<Hello, Answered, Progressed, CallProgressed>;

  template <class T>
  static Bytes ask(AskId id, const T& ask) {
    Bytes body;
    Writer{body}(id, ask);
    return frame_of(static_cast<std::uint8_t>(static_cast<std::size_t>(Frame::ask) + Ask(T{}).index()), body);
  }
  static Bytes cancel(AskId id);

  void push(ByteView bytes) { reader_.push(bytes); }
  // nullopt when more bytes are needed. The first is the hello, and no later one.
  Result<std::optional<Event>> next();

  // What was answered to an ask whose reply is a T.
  template <class T>
  static Result<T> to_result(const Answered& answered) {
    Reader fields(answered.body);
    T value{};
    Error error;
    if (answered.is_good) {
      fields(value);
    } else {
      fields(error);
    }
    if (!fields.finished()) return Error{Outcome::failed, "the agent's answer is malformed"};
    if (!answered.is_good) return error;
    return value;
  }

 private:
  static Bytes frame_of(std::uint8_t kind, ByteView body);
  Result<Event> event_of(const protocol::FrameView& frame);

  protocol::FrameReader reader_{kAnswerFrameMax};
  bool has_hello_ = false;
  std::optional<Error> error_;
};

}  // namespace callboard::client::agent
