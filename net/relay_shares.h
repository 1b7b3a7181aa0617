#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"

namespace callboard::net {

// Bytes a second; 0: no limit. Both directions count.
struct RelayLimits {
  std::uint64_t total = 0;
  std::uint64_t per_pair = 0;
  bool operator==(const RelayLimits&) const = default;
};

// Who may move next, and how much: fair shares between pairs, within the limits. Pure: no sockets, no clock.
//
// Every pair has an account of what it moved. Of those in line the one with the smallest account has the next turn, so
// each gets the same number of bytes, however many fit in one turn of its own. Who comes back after a pause starts at the
// account of who was served last: what it left to the others is theirs.
//
// Limits are token buckets that hold kBurst. A turn begins when they hold all of it, and may take them below zero (both
// directions may move that much, and a pipe that was filled before is emptied in any case); the debt is waited off.
class RelayShares {
 public:
  using Id = std::uint64_t;
  struct Turn {
    Id id = 0;
    std::uint64_t bytes = 0;  // At most.
  };

  // What may come at once after a pause. Longer than a thread that is due may have to wait for its processor.
  static constexpr Duration kBurst = 50ms;
  // Smaller turns cost more calls than they move bytes.
  static constexpr std::uint64_t kTurnMin = 4 * KiB;

  // `turn_bytes`: the most that one turn moves.
  explicit RelayShares(std::uint64_t turn_bytes) : turn_bytes_(turn_bytes) {}

  void set_limits(const RelayLimits& limits, Instant now);
  const RelayLimits& limits() const { return limits_; }

  // It has something to move. Does nothing for one that is in line.
  void line_up(Id id, Instant now);
  bool is_in_line(Id id) const;
  // Takes the next out of the line; nullopt: nobody is, or the limits let nobody move now. To be followed by moved().
  std::optional<Turn> next(Instant now);
  void moved(Id id, std::uint64_t bytes, Instant now);
  void forget(Id id);

  // Those in line.
  std::size_t size() const { return ready_.size() + held_.size(); }
  // From when on next() has somebody: now or earlier when at once; nullopt when nobody is in line.
  std::optional<Instant> next_due(Instant now) const;

 private:
  class Bucket {
   public:
    void set_rate(std::uint64_t bytes_per_second, Instant now);
    // When it will hold `bytes`; `now` when it does, or has no limit.
    Instant due(std::uint64_t bytes, Instant now) const;
    void take(std::uint64_t bytes, Instant now);

   private:
    double held_at(Instant now) const;
    double capacity() const;

    std::uint64_t rate_ = 0;
    double held_ = 0;  // Fractions of bytes add up. Below zero: debt.
    Instant updated_{};
  };
  enum class Place { away, ready, held };
  struct Account {
    std::uint64_t moved = 0;
    Bucket bucket;
    Place place = Place::away;
    Instant due;  // In held_ under it.
  };

  std::uint64_t turn_bytes() const;
  void release_held(Instant now);
  void leave_line(Id id, Account& account);

  std::uint64_t turn_bytes_;
  RelayLimits limits_;
  Bucket total_;
  std::unordered_map<Id, Account> accounts_;
  std::set<std::pair<std::uint64_t, Id>> ready_;  // By account.
  std::set<std::pair<Instant, Id>> held_;         // By its own limit, until then.
  std::uint64_t served_ = 0;                      // The account of who had the last turn, before it.
};

}  // namespace callboard::net
