#include "server/memory_reserve.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "base/within_memory.h"

namespace callboard::server {
namespace {

// Of what follows, and of every reserve's pieces. Whoever has it allocates by malloc() alone, which asks for no reserve.
std::mutex reserve_lock;
MemoryReserve* reserve_in_use = nullptr;
std::new_handler handler_before = nullptr;

// Null: there is none. Written to, so that no compiler takes it for nothing.
void* set_aside_piece() {
  void* piece = std::malloc(kMemoryPiece);
  if (piece != nullptr) *static_cast<volatile std::byte*>(piece) = std::byte{};
  return piece;
}

}  // namespace

MemoryReserve::MemoryReserve(std::function<void()> on_given) : on_given_(std::move(on_given)) {
  const std::lock_guard locked(reserve_lock);
  if (reserve_in_use != nullptr) return;
  while (held_ < kPieces && (pieces_[held_] = set_aside_piece()) != nullptr) ++held_;
  reserve_in_use = this;
  handler_before = std::set_new_handler(&MemoryReserve::on_no_memory);
}

MemoryReserve::~MemoryReserve() {
  const std::lock_guard locked(reserve_lock);
  if (reserve_in_use != this) return;
  std::set_new_handler(handler_before);
  reserve_in_use = nullptr;
  std::for_each_n(pieces_.begin(), held_, &std::free);
}

std::size_t MemoryReserve::held_bytes() const {
  const std::lock_guard locked(reserve_lock);
  return held_ * kMemoryPiece;
}

bool MemoryReserve::take_back() {
  std::array<void*, 2 * kPieces> taken{};
  const std::lock_guard locked(reserve_lock);
  if (reserve_in_use != this) return true;
  const std::size_t wanted = 2 * kPieces - held_;
  std::size_t count = 0;
  while (count < wanted && (taken[count] = set_aside_piece()) != nullptr) ++count;
  const bool is_enough = count == wanted;
  while (is_enough && held_ < kPieces) pieces_[held_++] = taken[--count];
  std::for_each_n(taken.begin(), count, &std::free);
  return is_enough;
}

// It is tried again when this returns.
void MemoryReserve::on_no_memory() {
  if (within_memory_depth == 0) {
    const std::lock_guard locked(reserve_lock);
    if (reserve_in_use != nullptr && reserve_in_use->held_ > 0) return reserve_in_use->give_portion();
  }
  throw std::bad_alloc();
}

void MemoryReserve::give_portion() {
  for (std::size_t i = 0; i < kPiecesOfPortion && held_ > 0; ++i) std::free(pieces_[--held_]);
  on_given_();
}

}  // namespace callboard::server
