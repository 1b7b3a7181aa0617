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

// The server's number of a call that it has a client carry out.
using CallId = std::uint64_t;

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
// Of calls that others make and this client carries out.
struct OfferAsk {
  AskId id = 0;
  Document descriptions;
};
struct CalledAsk {
  AskId id = 0;
  CallId call = 0;
  Outcome outcome = Outcome::done;
  std::string text{};
  Document value{};  // Null: null.
};

// --- Said by the client and answered by nobody
struct CallProgressed {
  CallId call = 0;
  Document value;
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
// To who offers it.
struct CallTell {
  CallId call = 0;
  std::string name;
  std::string by;
  std::optional<SessionId> session;  // None: the server itself calls.
  std::chrono::milliseconds deadline{0};
  Document arguments;
};
struct CallCancelTell {
  CallId call = 0;
};

}  // namespace callboard::protocol
