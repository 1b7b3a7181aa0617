#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/limits.h"
#include "net/loop.h"
#include "net/relay_shares.h"

namespace callboard::net {

// Two connected sockets between which bytes are to be moved, and what goes out on each before anything else.
struct RelayPair {
  std::uint64_t id = 0;
  Fd giver;
  Fd taker;
  Bytes first_to_giver;
  Bytes first_to_taker;
};

// Bytes the kernel took for each side so far.
struct RelayProgress {
  std::uint64_t to_taker_bytes = 0;
  std::uint64_t to_giver_bytes = 0;
};

struct RelayEnd {
  std::uint64_t id = 0;
  RelayProgress moved;
  // done: both sides closed in an orderly way; cancelled: cancel(); timed_out; interrupted: a side broke off.
  Error why;
};

// Moves bytes between pairs of sockets, both ways, on a thread of its own, without looking at them. It holds at most one
// pipe per direction (kRelayPipe) and reads nothing while that is not empty, so a slow side slows the other. A side that
// closes its writing has that passed on after the last byte; a side that breaks ends the pair. Pairs get equal shares of
// what may be moved (relay_shares.h).
// Methods: loop thread only. It must be destroyed before its Loop; that closes all sockets and reports nothing more.
class Relay {
 public:
  static constexpr std::uint64_t kRelayPipe = 1 * MiB;

  struct Options {
    // What one direction may move before the others have their turn.
    std::uint64_t budget_bytes = 1 * MiB;
    // A pair that moves nothing for this long ends; none: a giver may hash for as long as it takes.
    std::optional<Duration> idle_limit;
    // The same once one of the directions is over: enough for the last answer and the close.
    Duration half_closed_limit = 60s;
    // Uses poll, read and write where the system has something faster; for tests and comparison.
    bool portable = false;
  };

  // `on_end` is called on the loop, once for every added pair, and may add and cancel.
  Relay(Loop& loop, Options options, std::function<void(const RelayEnd& end)> on_end);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // The id must not be in use. Pairs keep the loop running until their end is told.
  void add(RelayPair pair);
  // The end, with `why`, follows on the loop; unless the pair ended by itself before.
  void cancel(std::uint64_t id, Error why);
  // Holds for what is moved from now on, by all pairs.
  void set_limits(const RelayLimits& limits);
  // nullopt once the end was told. Cheap: two atomic reads.
  std::optional<RelayProgress> progress(std::uint64_t id) const;
  // Pairs whose end was not told.
  std::size_t size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::net
