#pragma once

#include "server/calls/call_registry.h"
#include "server/floor.h"
#include "server/record_desk.h"

namespace callboard::server {

// The calls "record.history" and "record.version": what was done to a record that lasts, and what it was by that. Whoever may not
// see the record may not see these. What they refer to outlives the registry's calls.
void add_record_history_calls(CallRegistry& registry, Floor& floor, const RecordDesk& records);

}  // namespace callboard::server
