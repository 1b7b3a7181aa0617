#pragma once

#include "net/loop.h"
#include "server/calls/call_registry.h"
#include "server/event_log.h"

namespace callboard::server {

// server.log: what the server's log says, kept events first, then, for who waits, each as it happens. Both outlive the registry.
void add_log_call(CallRegistry& registry, net::Loop& loop, EventLog& events);

}  // namespace callboard::server
