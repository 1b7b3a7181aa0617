#include "server/floor.h"

#include <algorithm>
#include <utility>

namespace callboard::server {

Timestamp corrected(Timestamp client, std::chrono::milliseconds offset, Timestamp now) {
  // Beyond this a clock is a lie; the bound keeps the sum from overflowing. The offset is bounded by the join.
  constexpr std::int64_t kClockMaxMs = std::int64_t{1} << 48;
  const std::int64_t ms = std::clamp(client.ms, -kClockMaxMs, kClockMaxMs) + offset.count();
  return Timestamp{std::min(ms, now.ms)};
}

Operation make_operation(const Identity& who, Record record, UniqueId id, Document value) {
  Operation operation;
  operation.id = id;
  operation.session = who.id;
  operation.user = who.name;
  operation.record = record;
  operation.value = std::move(value);
  return operation;
}

protocol::DocumentState document_answer(const Teller& teller, const Applied& applied, const Identity& who) {
  if (!applied.won) return teller.document(applied.record);
  protocol::DocumentState state;
  state.record = wire_record(applied.record);
  state.timestamp = applied.timestamp;
  state.revision = applied.sequence;
  state.by = who.name;
  state.session = who.id;
  state.won = true;
  return state;
}

}  // namespace callboard::server
