#include "protocol/data_connection.h"

#include <fmt/format.h>

#include "base/ensure.h"
#include "protocol/faults.h"

namespace callboard::protocol {

EncodedFrame DataConnection::opening() const { return encode(ClientMessage{Ticket{ticket_}}); }

Result<bool> DataConnection::on_bytes(ByteView bytes) {
  ENSURE(step_ == Step::awaiting_ready);
  reader_.push(bytes);
  while (true) {
    const auto frame = reader_.next();
    if (!frame) return frame.error();
    if (!*frame) return false;
    const auto message = decode_server((*frame)->kind, (*frame)->body);
    if (!message) return message.error();
    const auto is_ready = on_message(*message);
    if (!is_ready || *is_ready) return is_ready;
  }
}

Result<bool> DataConnection::on_message(const ServerMessage& message) {
  if (const auto* bye = std::get_if<Bye>(&message)) {
    auto error = said_bye(*bye);
    // A connection that was never ready has not done what it was for.
    if (error.outcome == Outcome::done) error.outcome = Outcome::interrupted;
    return error;
  }
  if (std::holds_alternative<Greeting>(message) && !greeted_) {
    greeted_ = true;
    return false;
  }
  if (!std::holds_alternative<Ready>(message)) return unexpected("ready", verb_of(message));
  step_ = Step::finished;
  return true;
}

Result<void> DataConnection::on_time(Instant now) const {
  if (step_ == Step::finished || now < deadline()) return {};
  return Error{Outcome::timed_out, "the server did not open the data connection in time"};
}

}  // namespace callboard::protocol
