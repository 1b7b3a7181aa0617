#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/id.h"

namespace callboard::server {

// Text shared by the log, the board and every frame that tells of it. Never copied, never changed.
using Document = std::shared_ptr<const std::string>;

// The records that outlive their sessions. The numbers are those of the database: never reuse one.
enum class Record : std::uint8_t { story = 1, analytics = 2, messages = 3 };

// One change of a disk-life record, as it stands in the log.
struct Operation {
  UniqueId id;          // Made by the client: a retry carries the same one.
  SessionId session;    // Who wrote it.
  std::string user;     // The name shown for that session when it wrote.
  Timestamp timestamp;  // Corrected to the server's time, never in its future.
  Record record = Record::story;
  std::uint64_t base = 0;  // The revision it was made from; 0 unknown.
  Document value;          // Never null.
};

}  // namespace callboard::server
