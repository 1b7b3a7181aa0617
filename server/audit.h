#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/id.h"
#include "server/board/audit_entry.h"
#include "server/event_log.h"

namespace callboard::server {

// Of things that may happen any number of times a minute: says of each kind when it is worth a line, and how often it happened
// since the last one. Pure. When there are more kinds than `max`, those that are new share one.
class Occasions {
 public:
  Occasions(Duration period, std::size_t max) : period_(period), max_(max) {}
  // nullopt: there was one within the period, and it is only counted.
  std::optional<std::uint64_t> note(const std::string& kind, Instant now);

 private:
  struct Seen {
    Instant told;
    std::uint64_t count = 0;  // Since then.
  };
  Duration period_;
  std::size_t max_;
  std::map<std::string, Seen> seen_;
};

// What was done in the server that somebody may want to know later: appended to the log, and told to the operator. Loop thread only.
class Audit {
 public:
  // Puts an operation into the project's log; `done` once it is there, or cannot be (false), in the order of the calls.
  using Append = std::function<void(Operation operation, std::function<void(bool is_written)> done)>;

  Audit(const Clock& clock, RandomSource random, EventLog& events, Append append);

  // Now. Peers' texts are escaped already.
  void note(AuditEntry entry);
  // At the entry's own time, as that operation; `then` whether it was written.
  void note_earlier(AuditEntry entry, UniqueId operation, std::function<void(bool is_written)> then);
  // Somebody was let in with a key. Commands (`is_visit`) of one key from one address are one entry in kVisitPeriod.
  void note_let_in(AuditEntry entry, bool is_visit);
  // Somebody was not; from one address that is one entry in kRefusalPeriod, which says how often it was.
  void note_refused(AuditEntry entry);
  // `then` once all that was noted until now is in the log; at once when it is.
  void when_written(std::function<void()> then);

  static constexpr Duration kVisitPeriod = std::chrono::minutes(10);
  static constexpr Duration kRefusalPeriod = std::chrono::minutes(1);

 private:
  void append(AuditEntry entry, UniqueId operation, std::function<void(bool is_written)> then);

  // Addresses of a studio, and what a flood of forged ones may cost: 1,024 × some 100 bytes.
  static constexpr std::size_t kKindsMax = 1024;

  const Clock& clock_;
  RandomSource random_;
  EventLog& events_;
  Append append_;
  std::uint64_t noted_ = 0;
  std::uint64_t written_ = 0;
  std::deque<std::pair<std::uint64_t, std::function<void()>>> waiting_;  // Each for so many to be written.
  Occasions visits_{kVisitPeriod, kKindsMax};
  Occasions refusals_{kRefusalPeriod, kKindsMax};
};

}  // namespace callboard::server
