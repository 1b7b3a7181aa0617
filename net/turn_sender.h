#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "net/send_ring.h"

namespace callboard::net {

// Sends what the connections of a loop have gathered in a turn, in one system call for all where the system has that, else one
// after the other. Loop thread only.
class TurnSender {
 public:
  // Of one attempt to send; most have one or two.
  static constexpr std::size_t kPartsMax = 16;
  using Parts = std::array<iovec, kPartsMax>;

  // Who has something to send. What is asked of all of them is asked in this order.
  class Side {
   public:
    virtual ~Side() = default;
    // The descriptor and what it is to send, written into `parts`; without parts there is nothing. It stays until on_taken().
    virtual Sending offer(Parts& parts) = 0;
    // What became of it (Sending::taken). Calls nobody.
    virtual void on_taken(std::int64_t taken) = 0;
    // That has been done for all: whom it concerns is called.
    virtual void after_sending() = 0;
  };

  // `ring` as it is, or null: one after the other.
  TurnSender() = default;
  explicit TurnSender(std::unique_ptr<SendRing> ring) : ring_(std::move(ring)) {}

  // Whenever kSendsAtOnce are there their bytes go out, and need no memory while the others are written to; who is to be called
  // waits for send().
  void add(std::shared_ptr<Side> side);
  bool is_empty() const { return sides_.empty(); }
  // Those that were added; those that are meanwhile wait for the next time.
  void send();
  // What has not gone out does not.
  void drop();

 private:
  struct Room {
    std::array<Parts, kSendsAtOnce> parts;
    std::array<Sending, kSendsAtOnce> sends;
    std::array<Side*, kSendsAtOnce> sides;
  };

  void send_gathered();
  void send_all(std::span<Sending> sends);

  std::vector<std::shared_ptr<Side>> sides_;
  std::size_t sent_ = 0;                        // So many of them have been.
  std::vector<std::shared_ptr<Side>> sending_;  // Kept for its memory.
  std::unique_ptr<Room> room_;
  // Opened when it is of use first; null: there is none, or it failed.
  std::optional<std::unique_ptr<SendRing>> ring_;
};

}  // namespace callboard::net
