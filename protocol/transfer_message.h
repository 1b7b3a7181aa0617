#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/access_key.h"
#include "base/clock.h"
#include "base/id.h"
#include "protocol/common_message.h"

// What is said of transfers and channels, which are opened alike: two tickets, one relay. See message.h.
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
  // Why, for the other side: that it is not wanted, rather than that somebody stopped it.
  std::optional<Outcome> outcome{};
  std::string text{};
};
// These transfers, of which the asker is giver or taker, go on, though nothing may move for a while: it reads its folder, or
// waits for room on its disk. A server ends a transfer of which nothing moved and one side said nothing for kStallLimit.
struct WorkingAsk {
  AskId id = 0;
  std::vector<TransferId> transfers;
};
struct ChannelOffer {
  std::string name;
};
// I take channels of these names, and of no others that were said before.
struct ChannelsAsk {
  AskId id = 0;
  std::vector<ChannelOffer> channels;
};
// A channel of that name to that user, or to the server, who must offer it.
struct ChannelAsk {
  AskId id = 0;
  std::string user;  // Empty: the server.
  std::string name;
};

// --- Said by the server
struct TransferGranted {
  AskId re = 0;
  TransferId transfer = 0;
  UniqueId ticket;
  std::string user;
  SessionId session;
  std::optional<AccessKey> key{};  // On a server with keys: made for this transfer, told to both sides.
  std::uint16_t port = 0;          // Where the ticket is shown; 0: where the session is.
};
struct TransferStatus {
  TransferId transfer = 0;
  std::string giver;  // Empty: the server, of a channel.
  std::string taker;
  std::string item;
  std::uint64_t bytes = 0;
  Timestamp started;
  std::uint64_t rate = 0;  // Bytes a second, over the last seconds.
  bool channel = false;    // `item` is "/" and its name; `taker` has opened it.
};
struct Give {
  TransferId transfer = 0;
  UniqueId ticket;
  std::string user;
  std::string item;
  bool list = false;
  Compression compress = Compression::never;  // As the taker asked.
  std::optional<AccessKey> key{};
  std::uint16_t port = 0;
};
struct TransferOver {
  TransferId transfer = 0;
  Outcome outcome = Outcome::done;
  std::string text;
  std::uint64_t bytes = 0;
};
// To who asked for it.
struct ChannelGranted {
  AskId re = 0;
  TransferId transfer = 0;
  UniqueId ticket;
  std::string user;  // Empty, and no session: it is to the server.
  std::optional<SessionId> session{};
  std::optional<AccessKey> key{};
  std::uint16_t port = 0;
};
// To who offers it. Its end is a TransferOver.
struct ChannelTell {
  TransferId transfer = 0;
  UniqueId ticket;
  std::string by;
  std::string name;
  std::optional<AccessKey> key{};
  std::uint16_t port = 0;
};

}  // namespace callboard::protocol
