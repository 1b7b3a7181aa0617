#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "net/loop.h"
#include "net/timer.h"
#include "server/calls/call_registry.h"

namespace callboard::server {

// The call "ping.users": gives everybody who listens the turn, some at a time, and is answered when they have come back, or
// kPingPatience after the last was asked. How long each took is in the list of users. Loop thread only.
class PingDesk {
 public:
  static constexpr Duration kPingPatience = std::chrono::seconds(5);
  // Of those asked at a time, and how soon the next are: 10,000 sessions in half a second, so that nobody waits behind them.
  static constexpr std::size_t kPingsAtOnce = 200;
  static constexpr Duration kPingPause = std::chrono::milliseconds(10);

  struct Outside {
    // Of those who have joined and are here.
    std::function<std::vector<std::uint64_t>()> keys;
    // False: it is gone, or speaks at this moment, as whoever calls may: it is tried once more then.
    std::function<bool(std::uint64_t key)> ping;
  };
  PingDesk(net::Loop& loop, Outside outside, Duration patience = kPingPatience);

  void add_call(CallRegistry& registry);
  // A session that was asked has come back.
  void on_round_trip(std::uint64_t key, std::chrono::microseconds took);
  void forget(std::uint64_t key);

 private:
  void begin(std::shared_ptr<CallRun> run);
  void ask_some();
  void finish();
  void on_time();

  Outside outside_;
  const Duration patience_;
  std::vector<std::shared_ptr<CallRun>> runs_;  // All get the answer of the round that is under way.
  std::vector<std::uint64_t> due_;              // Still to be asked.
  std::vector<std::uint64_t> busy_;             // Spoke when it was their turn: tried once more.
  bool is_second_try_ = false;
  std::unordered_set<std::uint64_t> asked_;  // And not back yet.
  std::vector<std::int64_t> took_us_;
  std::size_t silent_ = 0;
  net::Timer timer_;
};

}  // namespace callboard::server
