#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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

  void add(std::shared_ptr<Side> side) { sides_.push_back(std::move(side)); }
  bool is_empty() const { return sides_.empty(); }
  // Those that were added; those that are meanwhile wait for the next time.
  void send();
  // Nothing of them is sent.
  void drop() { std::vector<std::shared_ptr<Side>>().swap(sides_); }

 private:
  // At a time: a fan-out to a studio, and little to keep.
  static constexpr std::size_t kSidesAtOnce = 128;
  struct Room {
    std::array<Parts, kSidesAtOnce> parts;
    std::array<Sending, kSidesAtOnce> sends;
    std::array<Side*, kSidesAtOnce> sides;
  };

  void send_some(std::span<const std::shared_ptr<Side>> some);
  void send_all(std::span<Sending> sends);

  std::vector<std::shared_ptr<Side>> sides_;
  std::vector<std::shared_ptr<Side>> sending_;  // Kept for its memory.
  std::unique_ptr<Room> room_;
  // Opened when it is of use first; null: there is none.
  std::optional<std::unique_ptr<SendRing>> ring_;
};

}  // namespace callboard::net
