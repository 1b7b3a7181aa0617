#pragma once

#include <array>
#include <cstddef>
#include <functional>

#include "base/limits.h"

namespace callboard::server {

// kMemoryReserve of this process, set aside for when it gets no more: an allocation by `new` that finds no memory gets a portion
// of it, on whichever thread, and succeeds. Not within_memory(), where it may fail. The first one of a process serves all of it;
// another one beside it holds nothing. Made, destroyed and asked on one thread.
class MemoryReserve {
 public:
  // `on_given`: called on the thread that ran out, within its allocation, while no other gets a portion: it allocates nothing and
  // waits for nothing.
  explicit MemoryReserve(std::function<void()> on_given);
  ~MemoryReserve();
  MemoryReserve(const MemoryReserve&) = delete;
  MemoryReserve& operator=(const MemoryReserve&) = delete;

  std::size_t held_bytes() const;
  // All of it is set aside again; false: there is not yet that much and as much again, without which it would be given at once.
  bool take_back();

 private:
  static constexpr std::size_t kPieces = kMemoryReserve / kMemoryPiece;
  static constexpr std::size_t kPiecesOfPortion = kMemoryPortion / kMemoryPiece;

  static void on_no_memory();
  void give_portion();

  std::function<void()> on_given_;
  std::array<void*, kPieces> pieces_{};
  std::size_t held_ = 0;  // The first so many of them.
};

}  // namespace callboard::server
