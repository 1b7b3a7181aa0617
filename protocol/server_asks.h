#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/reused.h"
#include "protocol/codec.h"
#include "protocol/message.h"

namespace callboard::protocol {

// The id of an ask, or nullopt for what is no ask.
std::optional<AskId> ask_id_of(const ClientMessage& message);
// Overwrites it; only for an ask (ENSURE).
void set_ask_id(ClientMessage& ask, AskId id);
// The bytes of its document, or what else it has for an attachment; 0 without.
std::uint64_t document_size_bytes(const ClientMessage& ask);
// What it counts as in kUnansweredBytesMax.
std::uint64_t weight_bytes(const ClientMessage& ask);
// What its answer may take, at most; 0: little, or as much as it takes whenever it comes (a call's).
std::uint64_t answer_bytes_max(const ClientMessage& ask);
// `re`, or nullopt for what is no answer.
std::optional<AskId> answered_id_of(const ServerMessage& message);

// An answer, or one that was encoded once for many.
struct EncodedAnswer {
  AskId re = 0;
  EncodedFrame frame;
};
using Answer = std::variant<ServerMessage, EncodedAnswer>;

// A session's asks on the server: received → delivered to the owner in order → answered in any order → sent when the
// server has the turn. Knows nothing of turns but what it is told.
class ServerAsks {
 public:
  // An error means that the client broke a limit or repeated an id in flight; end the session with it.
  Result<void> on_ask(std::shared_ptr<ClientMessage> ask);
  // The next ask to work on; null also while kAnswersHeld answers wait for the turn, or so many bytes of
  // them that there is no room for this one's within kAnswerBytesHeld.
  std::shared_ptr<ClientMessage> next();
  // Of an ask in flight that was delivered (ENSURE). Where it is the result of a call that does not fit: that
  // it is not kept.
  void hold(Answer&& answer);
  // All answers that wait for the turn, in the order in which they became ready; small ones stand one behind the other in
  // one `head`. They count until on_sent().
  std::vector<EncodedFrame> take_held();
  void on_sent(const EncodedFrame& answer) { answer_bytes_ -= answer.size_bytes(); }

  // Received and not yet answered or not yet taken.
  std::size_t unanswered() const { return room_ == nullptr ? 0 : room_->in_flight.size(); }

 private:
  struct InFlight {
    AskId id = 0;
    bool delivered = false;
    bool answered = false;
    std::uint64_t weight_bytes = 0;
    std::uint64_t answer_bytes_max = 0;  // Counted while it is in the making.
  };

  struct Room {
    std::vector<InFlight> in_flight;  // By their ids, which mostly count up.
    std::vector<std::shared_ptr<ClientMessage>> received;

    void clear();
  };

  // Where an ask of that id is, or would be; while there is a room.
  std::vector<InFlight>::iterator place_of(AskId id);
  void hold_message(const ServerMessage& message);
  void hold_encoded(EncodedFrame frame);
  void end_text(Document attachment);

  Reused<Room> room_;  // While there are asks.
  std::uint64_t weight_bytes_ = 0;
  std::size_t held_count_ = 0;
  std::vector<EncodedFrame> held_;
  Reused<std::string> held_text_;   // Frames that come after those; null: none.
  std::uint64_t answer_bytes_ = 0;  // In the making, held, and not yet sent.
};

}  // namespace callboard::protocol
