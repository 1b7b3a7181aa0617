#pragma once

#include <string>
#include <vector>

#include "base/compression.h"
#include "protocol/common_message.h"

// What the client asks of transfers; see message.h.
namespace callboard::protocol {

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

}  // namespace callboard::protocol
