#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/access_key.h"
#include "base/compression.h"
#include "base/id.h"
#include "protocol/common_message.h"

// What both sides say of transfers; see message.h.
namespace callboard::protocol {

// --- Said by the client: asks
// Exactly one of `user` and `newest` is set.
struct GetAsk {
  AskId id = 0;
  std::string user;
  bool newest = false;
  std::string item;
  bool list = false;
  Compression compress = Compression::never;
};
struct CancelAsk {
  AskId id = 0;
  TransferId transfer = 0;
};
// These transfers, of which the asker is giver or taker, go on, though nothing may move for a while: it reads its folder, or
// waits for room on its disk. A server ends a transfer of which nothing moved and one side said nothing for kStallLimit.
struct WorkingAsk {
  AskId id = 0;
  std::vector<TransferId> transfers;
};

// --- Said by the server: answers only
struct TransferGranted {
  AskId re = 0;
  TransferId transfer = 0;
  UniqueId ticket;
  std::string user;
  SessionId session;
  std::optional<AccessKey> key{};  // On a server with keys: made for this transfer, told to both sides.
};

// --- Said by the server: tells only
struct Give {
  TransferId transfer = 0;
  UniqueId ticket;
  std::string user;
  std::string item;
  bool list = false;
  Compression compress = Compression::never;  // As the taker asked.
  std::optional<AccessKey> key{};
};
struct TransferOver {
  TransferId transfer = 0;
  Outcome outcome = Outcome::done;
  std::string text;
  std::uint64_t bytes = 0;
};

}  // namespace callboard::protocol
