#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/result.h"
#include "server/counts_of.h"

namespace callboard::server {

// Which transfers there are and what becomes of them; channels, too, which the taker has opened to the giver:
//
//   begin()  ->  awaiting both connections  ->  relaying (both tickets were shown)  ->  over
//
// Pure: no sockets (connections are keys of the owner's), no clock. Every transfer that began is over exactly once, with
// an outcome for both sides, whoever leaves, stops or lies; the owner looks at take_endings() after every call.
class Transfers {
 public:
  using Id = std::uint64_t;
  using ConnectionKey = std::uint64_t;

  // What stands for the server's own end of a channel, which is no connection of anybody's.
  static constexpr ConnectionKey kServerEnd = 0;

  struct Party {
    SessionId session;  // None: the server itself, which is the giver of a channel, without a name.
    std::string name;
    std::string origin{};  // Identity::origin.
  };
  enum class Kind { pull, look, channel };
  struct Request {
    Party giver;
    Party taker;
    std::string item;
    Kind kind = Kind::pull;
  };
  struct Begun {
    Id id = 0;
    UniqueId giver_ticket;  // None for the server, which is there from the beginning.
    UniqueId taker_ticket;
  };
  // Both sides are there: relay between these.
  struct Pair {
    Id id = 0;
    ConnectionKey giver = 0;
    ConnectionKey taker = 0;
  };
  struct Ending {
    Id id = 0;
    SessionId giver;
    SessionId taker;
    Error why;  // Outcome::done with an empty text when it went to its end.
    std::uint64_t bytes = 0;
    bool was_relaying = false;           // Cancel its relay, unless that is what ended it.
    std::vector<ConnectionKey> waiting;  // Connections that waited for the other side: close them.
  };
  struct Running {
    Request request;
    Timestamp started;
    bool is_relaying = false;
    // Since it is relaying, from the first on_moved() on.
    std::uint64_t moved_bytes = 0;
    std::optional<Instant> giver_worked;
    std::optional<Instant> taker_worked;
  };

  explicit Transfers(RandomSource random) : random_(std::move(random)) {}

  // Refused when one of the two has kTransfersPerSession (the server kServerChannelsMax) under way, or the giver
  // kTransfersPerTaker with takers of that origin.
  Result<Begun> begin(Request request, Timestamp wall, Instant now);
  // A ticket is good once. nullopt: good, and the other side is still missing.
  Result<std::optional<Pair>> show(UniqueId ticket, ConnectionKey connection);
  // A connection that waited for its other side is gone. Others are ignored: the relay has those.
  void on_connection_lost(ConnectionKey connection);
  // The relay's end of a pair. Ignored when the transfer was ended for another reason before.
  void on_relay_end(Id id, const Error& why, std::uint64_t bytes);
  // How many bytes a relayed pair has moved so far, both ways. To be told every few seconds: who moves bytes is not stalled.
  void on_moved(Id id, std::uint64_t bytes, Instant now);
  // Giver or taker says that it goes on with those of these that are its own.
  void on_working(SessionId asker, const std::vector<Id>& ids, Instant now);
  // Ends relayed pairs of which nothing moved, and one side said nothing, for kStallLimit. A channel may rest for as long as
  // the sessions of both are here.
  void end_stalled(Instant now);
  // By giver or taker; not_found for anybody else's. `why`: other than that it was cancelled.
  Result<void> cancel(SessionId asker, Id id, const std::optional<Error>& why = std::nullopt);
  // Giver or taker is gone: nothing that they were part of goes on.
  void on_session_left(SessionId session, const std::string& name);
  // When the next ticket's life is over.
  std::optional<Instant> next_deadline() const;
  void on_time(Instant now);
  // Ends all of them.
  void end_all(const Error& why);

  std::vector<Ending> take_endings() { return std::exchange(endings_, {}); }
  const std::map<Id, Running>& running() const { return running_; }

 private:
  struct Waiting {
    UniqueId giver_ticket;
    UniqueId taker_ticket;
    std::optional<ConnectionKey> giver;
    std::optional<ConnectionKey> taker;
    Instant deadline;
  };

  void end(Id id, Error why, std::uint64_t bytes);

  RandomSource random_;
  Id last_id_ = 0;
  std::map<Id, Running> running_;
  std::map<Id, Waiting> waiting_;  // In the order of their deadlines, as ids are.
  std::unordered_map<UniqueId, Id> tickets_;
  CountsOf<SessionId> by_session_;
  CountsOf<std::string> by_taking_;  // Giver and the taker's origin.
  std::vector<Ending> endings_;
};

}  // namespace callboard::server
