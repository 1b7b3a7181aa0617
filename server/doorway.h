#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "net/endpoint.h"
#include "server/event_log.h"

namespace callboard::server {

// How many connections there may be: in all, of one address, and of those that are no session yet; and none more while the
// process has more memory than it is to have. Who is turned away is told why by whoever asks here, and counted here.
// Loop thread only.
class Doorway {
 public:
  struct Limits {
    std::size_t connections = kConnectionsMax;
    std::size_t per_address = kConnectionsPerAddress;
    std::size_t unadmitted = kUnadmittedMax;
    std::size_t unadmitted_per_address = kUnadmittedPerAddress;
    std::uint64_t memory_bytes = 0;  // 0: no limit.
  };
  struct Counts {
    std::size_t connections = 0;
    std::size_t unadmitted = 0;
  };
  // What a connection counts as, from come() to leave().
  struct Place {
    std::pair<const std::string, Counts>* address = nullptr;
    bool is_session = false;
  };

  struct Memory {
    std::function<std::uint64_t()> resident_bytes;  // How much the process has,
    std::function<void()> give_back;                // of which the system gets, soon, what is free.
  };

  Doorway(Limits limits, EventLog& events, Memory memory);

  // refused: there are too many, and of what. Logged once in kTurnedAwayLogPeriod.
  Result<Place> come(const net::Endpoint& peer, Instant now);
  // It is a session now.
  void admit(Place& place);
  // The connection is gone.
  void leave(Place& place);
  // Nobody comes in from now on, for that reason; again when it is empty.
  void shut(std::string why) { shut_ = std::move(why); }
  const std::string& why_shut() const { return shut_; }

  const Counts& counts() const { return all_; }

 private:
  std::optional<std::string> why_not(const Counts& address, const net::Endpoint& peer, Instant now);
  bool is_memory_short(Instant now);
  void look_at_memory(Instant now);
  void give_memory_back(Instant now);
  void note_memory_again(std::uint64_t resident_bytes, Instant now);
  void note_turned_away(const std::string& why, const net::Endpoint& peer, Instant now);

  Limits limits_;
  std::string shut_;
  EventLog& events_;
  Memory memory_;
  Counts all_;
  std::unordered_map<std::string, Counts> addresses_;  // Of those with a connection.
  std::uint64_t turned_away_ = 0;                      // Since that was logged.
  std::optional<Instant> logged_;
  std::optional<Instant> looked_;
  std::optional<Instant> logged_again_;
  Instant give_back_from_{};
  Duration give_back_pause_ = kMemoryGivenBackPeriod;
  bool is_memory_short_ = false;
};

}  // namespace callboard::server
