#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "base/rate_meter.h"
#include "net/loop.h"
#include "net/relay.h"
#include "net/timer.h"
#include "protocol/message.h"
#include "server/event_log.h"
#include "server/server_channels.h"
#include "server/session.h"
#include "server/transfers.h"

namespace callboard::server {

// Performs what Transfers decides: gives both connections of a pair to the relay, closes those that wait in vain, tells
// both sides how it ended. Loop thread only.
class TransferDesk {
 public:
  struct Outside {
    // The data connection of that key; null when it is gone.
    std::function<Session*(std::uint64_t key)> connection;
    // Its socket went to the relay: nothing of it is left.
    std::function<void(Session& connection)> released;
    std::function<void(SessionId session, const protocol::TransferOver& over)> tell;
  };

  TransferDesk(net::Loop& loop, RandomSource random, EventLog& events, Outside outside);

  Result<Transfers::Begun> begin(Transfers::Request request, Timestamp wall);
  Result<void> cancel(SessionId asker, Transfers::Id id, const std::optional<Error>& why = std::nullopt);
  void on_ticket(Session& connection, UniqueId ticket);
  void on_connection_lost(std::uint64_t key);
  void on_session_left(SessionId session, const std::string& name);
  void end_all(const Error& why);
  void on_working(SessionId asker, const std::vector<Transfers::Id>& ids);
  void set_limits(const net::RelayLimits& limits);
  // What is opened to the server itself.
  ServerChannels& server_channels() { return server_channels_; }

  std::size_t size() const { return transfers_.running().size(); }
  std::vector<protocol::TransferStatus> status() const;

 private:
  void relay(const Transfers::Pair& pair);
  // Of a connection of the pair, or of the server's own.
  Result<Session::Released> take_end(Transfers::Id id, Transfers::ConnectionKey key);
  void give_back(Transfers::ConnectionKey key, const Error& why);
  void on_relay_end(const net::RelayEnd& end);
  void look_at_running();
  void settle();
  void finish(const Transfers::Ending& ending);
  // What the giver sent, of the bytes that the relay moved; of a channel what both did.
  std::uint64_t counted_bytes(Transfers::Id id, const net::RelayProgress& moved) const;

  net::Loop& loop_;
  EventLog& events_;
  Outside outside_;
  Transfers transfers_;
  ServerChannels server_channels_;
  struct Relayed {
    net::RelayProgress ours;  // Bytes of ours that go to each before the other's.
    bool is_channel = false;
  };
  std::unordered_map<Transfers::Id, Relayed> relayed_;
  net::Timer timer_;
  net::Relay relay_;
  net::RelayLimits limits_;
  std::unordered_map<Transfers::Id, RateMeter> rates_;  // Of those that are relayed.
  net::Timer looking_;                                  // Set while any is.
};

}  // namespace callboard::server
