#pragma once

#include "server/calls/call_registry.h"
#include "server/records.h"

namespace callboard::server {

// The call "retention", which forgets what is not to be kept of the history, and says how much that was. `records` outlives the
// registry's calls.
void add_retention_call(CallRegistry& registry, Records& records, const Retention& retention);

}  // namespace callboard::server
