#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/id.h"
#include "protocol/common_message.h"

// What is said of calls, by both sides; see message.h. Arguments, results and descriptions are JSON in attachments.
namespace callboard::protocol {

// --- Said by the client: asks
struct CallAsk {
  AskId id = 0;
  std::string name;
  std::optional<UniqueId> op{};           // The same again is the same call: it is not carried out twice.
  std::chrono::milliseconds deadline{0};  // 0: the server's.
  Document arguments{};                   // An object of named ones, or an array; null: none.
};
// Exactly one of `call` and `op` is there.
struct CallCancelAsk {
  AskId id = 0;
  std::optional<AskId> call{};  // The ask that it was called with, on this connection.
  std::optional<UniqueId> op{};
};
struct CallsAsk {
  AskId id = 0;
};

// --- Said by the server: answers
struct CallResult {
  AskId re = 0;
  Document value;
};
struct CallList {
  AskId re = 0;
  Document descriptions;
};

// --- Said by the server: tells
struct CallProgress {
  AskId call = 0;  // The ask.
  Document value;
};

}  // namespace callboard::protocol
