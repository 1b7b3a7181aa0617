#include "protocol/turn.h"

#include <utility>

#include "base/ensure.h"

namespace callboard::protocol {

bool ServerTurn::on_request() {
  if (step_ == Step::awaiting_yours) return false;
  step_ = Step::awaiting_yours;
  return true;
}

void ServerTurn::on_yours() {
  ENSURE(step_ == Step::awaiting_yours);
  step_ = Step::awaiting_request;
}

Instant ServerTurn::deadline() const {
  return last_heard_ + (step_ == Step::awaiting_request ? limits_.heartbeat : limits_.silence);
}

ServerTurn::Due ServerTurn::on_time(Instant now) {
  if (now < deadline()) return Due::nothing;
  switch (step_) {
    case Step::awaiting_request:
      step_ = Step::awaiting_yours;
      return Due::heartbeat;
    case Step::awaiting_yours:
      return Due::silence;
  }
  return Due::nothing;
}

bool ClientTurn::on_yours() { return std::exchange(step_, Step::awaiting_news) == Step::awaiting_news; }

bool ClientTurn::request() {
  if (step_ == Step::awaiting_yours) return false;
  step_ = Step::awaiting_yours;
  return true;
}

}  // namespace callboard::protocol
