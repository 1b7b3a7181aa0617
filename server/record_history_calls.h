#pragma once

#include "base/document/schema.h"
#include "server/calls/call_registry.h"
#include "server/floor.h"
#include "server/lock_policy.h"
#include "server/record_desk.h"

namespace callboard::server {

// The calls "record.history" and "record.version": what was done to a record that lasts, and what it was by that. Whoever may not
// see the record may not see these. What they refer to outlives the registry's calls.
void add_record_history_calls(CallRegistry& registry, Floor& floor, const RecordDesk& records);

// The call "record.restore": a record is put again as it was, as far as its caller may put it so; a new
// revision. What the server computes stays as it is.
struct RestoreOutside {
  Floor& floor;
  RecordDesk& records;
  const document::Schema& schema;
  LockPolicy locks = LockPolicy::warn;
};
void add_record_restore_call(CallRegistry& registry, RestoreOutside outside);

}  // namespace callboard::server
