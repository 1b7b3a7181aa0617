#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "net/relay.h"
#include "net/relay_poller.h"
#include "net/relay_pump.h"

// The relay's own thread. Private to net/.
namespace callboard::net {

// Counted by the relay's thread, read by the loop thread.
struct RelayCounters {
  std::atomic<std::uint64_t> to_taker_bytes{0};
  std::atomic<std::uint64_t> to_giver_bytes{0};
  RelayProgress progress() const {
    return {to_taker_bytes.load(std::memory_order_relaxed), to_giver_bytes.load(std::memory_order_relaxed)};
  }
};

// One socket of a pair and whether it would block: guessed ready until it says otherwise.
struct RelaySide {
  Fd fd;
  std::uint64_t token = 0;
  bool is_readable = true;
  bool is_writable = true;
};

// One direction of a pair.
struct RelayDirection {
  Bytes first;  // Goes out before what the pump moves.
  std::size_t first_sent = 0;
  std::unique_ptr<RelayPump> pump;
  RelayPump::Wait wait = RelayPump::Wait::turn;
  std::atomic<std::uint64_t>* moved_bytes = nullptr;

  bool is_over() const { return wait == RelayPump::Wait::nothing; }
  bool can_go_on(const RelaySide& from, const RelaySide& to) const;
  // Moves what it can and notes what it waits for; returns how many bytes.
  RelayPump::Step move(RelaySide& from, RelaySide& to, std::uint64_t budget_bytes);

 private:
  RelayPump::Step send_first(int to);
};

class RelayThread {
 public:
  using OnEnd = std::function<void(std::uint64_t id, Error why)>;  // Called on the relay's thread.

  RelayThread(const Relay::Options& options, OnEnd on_end);
  ~RelayThread();
  RelayThread(const RelayThread&) = delete;
  RelayThread& operator=(const RelayThread&) = delete;

  // Any thread.
  void add(RelayPair pair, std::shared_ptr<RelayCounters> counters);
  void cancel(std::uint64_t id, Error why);
  void set_limits(const RelayLimits& limits);

 private:
  struct Pair {
    std::uint64_t id = 0;
    RelaySide giver;
    RelaySide taker;
    RelayDirection to_taker;
    RelayDirection to_giver;
    std::shared_ptr<RelayCounters> counters;
    Instant last_moved;
    bool is_half_closed() const { return to_taker.is_over() || to_giver.is_over(); }
    bool can_go_on() const { return to_taker.can_go_on(giver, taker) || to_giver.can_go_on(taker, giver); }
  };
  using PairPointer = std::shared_ptr<Pair>;
  struct Command {
    std::uint64_t cancelled_id = 0;
    Error why;
    PairPointer added;
    std::optional<RelayLimits> limits;
  };

  void command(Command command);
  void run();
  void obey();
  void obey(Command& command);
  void begin(const PairPointer& pair);
  void set_pump(RelayDirection& direction) const;
  void take_events();
  void take_event(const RelayPoller::Event& event);
  void take_turns();
  void take_turn(const PairPointer& pair, std::uint64_t budget_bytes);
  // Moves what it can; nullopt when the pair has ended.
  std::optional<std::uint64_t> move(Pair& pair, RelayDirection& direction, std::uint64_t budget_bytes);
  void await(const Pair& pair);
  void end(Pair& pair, Error why);
  std::optional<Duration> limit_of(const Pair& pair) const;
  void end_idle_pairs();
  std::optional<Duration> time_to_wait() const;

  const Relay::Options options_;
  const OnEnd on_end_;
  std::unique_ptr<RelayPoller> poller_;
  std::mutex commands_lock_;
  std::vector<Command> commands_;
  std::atomic<bool> is_stopping_{false};

  // The rest belongs to the thread.
  std::unordered_map<std::uint64_t, PairPointer> pairs_;
  std::unordered_map<std::uint64_t, PairPointer> by_token_;
  RelayShares shares_;
  std::vector<RelayPoller::Event> events_;
  std::uint64_t last_token_ = 0;
  Instant now_;
  std::optional<Instant> next_idle_check_;
  std::thread thread_;
};

}  // namespace callboard::net
