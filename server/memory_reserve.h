#pragma once

#include <array>
#include <cstddef>
#include <functional>

#include "base/door_limits.h"

namespace callboard::server {

// kMemoryReserve of this process, set aside for when it gets no more: an allocation by `new` that finds no memory gets a portion
// of it, on whichever thread, and succeeds. Within_memory(), where it may fail, only the first portion is given, and to nothing large. The first one of a process serves all of it;
// another one beside it holds nothing. Made, destroyed and asked on one thread.
class MemoryReserve {
 public:
  // `on_given`: called on the thread that ran out, within its allocation, while no other gets a portion: it allocates nothing and
  // waits for nothing.
  explicit MemoryReserve(std::function<void()> on_given);
  ~MemoryReserve();
  MemoryReserve(const MemoryReserve&) = delete;
  MemoryReserve& operator=(const MemoryReserve&) = delete;

  // Less than kMemoryReserve from the start: there was no more.
  std::size_t held_bytes() const;
  // As much of what was given as there is memory for besides a portion, without which it would be given at once, is set aside
  // again; false: that is not all.
  bool take_back();

 private:
  static constexpr std::size_t kPieces = kMemoryReserve / kMemoryPiece;
  static constexpr std::size_t kPiecesOfPortion = kMemoryPortion / kMemoryPiece;

  static void on_no_memory();
  bool hold(std::size_t count);
  bool may_give() const;
  void give_portion();

  std::function<void()> on_given_;
  std::array<void*, kPieces> pieces_{};
  std::size_t held_ = 0;   // The first so many of them.
  std::size_t whole_ = 0;  // As many as there were at the start.
};

}  // namespace callboard::server
