#include "server/memory_reserve.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
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
// Goes up whenever some was given, and whenever somebody had a look at how much there is: who found none before that
// tries again, and costs the reserve nothing.
std::uint64_t changes = 0;
constinit thread_local std::uint64_t changes_seen = 0;

// Null: there is none. Written to, so that no compiler takes it for nothing.
void* set_aside_piece(std::size_t size = kMemoryPiece) {
  void* piece = std::malloc(size);
  if (piece != nullptr) *static_cast<volatile std::byte*>(piece) = std::byte{};
  return piece;
}

// Asked for in one: what is not there takes nothing from others for being looked for. The allocator may have it where the system
// has none; it is asked second, since it keeps for itself what it was once given back in such sizes.
bool is_there(std::size_t size) {
  changes_seen = ++changes;
  void* room = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room != MAP_FAILED) return ::munmap(room, size) == 0;
  room = set_aside_piece(size);
  std::free(room);
  return room != nullptr;
}

}  // namespace

MemoryReserve::MemoryReserve(std::function<void()> on_given) : on_given_(std::move(on_given)) {
  const std::lock_guard locked(reserve_lock);
  if (reserve_in_use != nullptr) return;
  static_cast<void>(hold(kPieces));
  whole_ = held_;
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
  const std::lock_guard locked(reserve_lock);
  return reserve_in_use != this || hold(whole_);
}

bool MemoryReserve::hold(std::size_t count) {
  while (held_ < count) {
    const std::size_t next = std::min(held_ + kPiecesOfPortion, count);
    if (!is_there((next - held_) * kMemoryPiece + kMemoryPortion)) return false;
    while (held_ < next && (pieces_[held_] = set_aside_piece()) != nullptr) ++held_;
    if (held_ < next) return false;
  }
  return true;
}

// It is tried again when this returns.
void MemoryReserve::on_no_memory() {
  const std::lock_guard locked(reserve_lock);
  if (std::exchange(changes_seen, changes) != changes) return;
  if (reserve_in_use != nullptr && reserve_in_use->may_give()) return reserve_in_use->give_portion();
  throw std::bad_alloc();
}

// What may fail does so when it is large, and never takes what the others need to end somebody: but small writes of those who are
// in go on.
bool MemoryReserve::may_give() const {
  if (within_memory_depth == 0) return held_ > 0;
  return held_ > 0 && held_ == whole_ && !is_there(kMemoryPiece);
}

void MemoryReserve::give_portion() {
  for (std::size_t i = 0; i < kPiecesOfPortion && held_ > 0; ++i) std::free(pieces_[--held_]);
  changes_seen = ++changes;
  on_given_();
}

}  // namespace callboard::server
