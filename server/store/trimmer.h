#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "server/board/log.h"
#include "server/store/database.h"

namespace callboard::server {

// Up to which operation (of a document: a keyframe) a record's operations may go; 0: none may.
struct Cut {
  Record record = Record::story;
  std::uint64_t sequence = 0;
};
using Cuts = std::array<Cut, 4>;  // Story, analytics, records of all classes, who came in the audit.

// What the retention does not keep: operations on documents before a keyframe (what is after it needs them no more), and on records before the snapshot, never
// those that a start has to read; of the audit only who was let in and who was refused, which is an entry for
// every join. Of a history that is not too large it reads only what goes and what is kept by number.
Result<Cuts> find_cuts(Database& database, const Retention& retention, Timestamp now);
// Forgets some of it, in one short transaction: how many operations that were. 0: nothing is left to forget.
Result<std::uint64_t> trim_some(Database& database, const Cuts& cuts);

}  // namespace callboard::server
