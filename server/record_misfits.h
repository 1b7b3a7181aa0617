#pragma once

#include "base/document/schema.h"
#include "server/board/record_table.h"
#include "server/event_log.h"

namespace callboard::server {

// Tells the log which records that are kept do not fit the schema, as of a server that is started with another one, or with
// none: by class and field, with how many they are.
void warn_of_misfits(const RecordTable& records, const document::Schema& schema, EventLog& events);

}  // namespace callboard::server
