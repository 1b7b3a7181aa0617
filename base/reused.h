#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"

namespace callboard {

// What many need for a moment, again and again, and none while they are idle: who lets go of one leaves its memory to whoever
// asks next. An idle one costs a pointer, and a busy one no allocation.

// Up to this size memory is kept: more than that is seldom needed, and an allocation costs little beside filling it. A thread keeps
// as many texts and buffers to send as follow, 4 MiB at most, and some hundred bytes each of the other kinds.
inline constexpr std::size_t kReusedMax = 16 * KiB;

// As many are kept of each kind, in each thread.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr std::size_t kSparesMax = 0;  // Who uses what is let go of is to be found.
#elif defined(__clang__)
inline constexpr std::size_t kSparesMax = __has_feature(address_sanitizer) ? 0 : 128;
#else
inline constexpr std::size_t kSparesMax = 128;  // As many have something to send at once.
#endif

// Empties it, and keeps its memory where that is worth keeping.
template <class T>
void ready_for_reuse(T& object) {
  object.clear();
}
inline void ready_for_reuse(std::string& text) {
  text.clear();
  if (text.capacity() > kReusedMax) std::string().swap(text);
}

// The same for a part of what is used again: room for so many is kept.
template <class T>
void empty_and_keep(std::vector<T>& list, std::size_t kept) {
  if (list.capacity() > kept) std::vector<T>().swap(list);
  list.clear();
}

// Those of one thread that nobody uses.
template <class T>
class Spares {
 public:
  static std::unique_ptr<T> take() {
    if (is_over_) return std::unique_ptr<T>(new T);
    has_list_ = true;
    if (list().empty()) return std::unique_ptr<T>(new T);
    auto object = std::move(list().back());
    list().pop_back();
    return object;
  }
  static void give(std::unique_ptr<T> object) noexcept {
    ready_for_reuse(*object);
    // There is room for them. A thread that takes none keeps none: nothing is allocated here.
    if (has_list_ && !is_over_ && list().size() < kSparesMax) list().push_back(std::move(object));
  }

 private:
  struct List : std::vector<std::unique_ptr<T>> {
    List() { this->reserve(kSparesMax); }
    ~List() { is_over_ = true; }
  };
  static List& list() {
    thread_local List spares;
    return spares;
  }

  static inline thread_local bool has_list_ = false;
  // The thread ends: what is let go of later is no spare. Without a destructor of its own, it outlives the list.
  static inline thread_local bool is_over_ = false;
};

template <class T>
struct LeaveToNext {
  void operator()(T* object) const noexcept { Spares<T>::give(std::unique_ptr<T>(object)); }
};
// Null while it is not needed. It may be let go of in another thread.
template <class T>
using Reused = std::unique_ptr<T, LeaveToNext<T>>;

template <class T>
Reused<T> take_reused() {
  return Reused<T>(Spares<T>::take().release());
}

// For allocate_shared() of what lives for a moment: its memory, not the object, is for the next of its kind.
template <class T>
struct ReusedMemory {
  using value_type = T;
  ReusedMemory() = default;
  template <class U>
  ReusedMemory(const ReusedMemory<U>&) noexcept {}
  bool operator==(const ReusedMemory&) const = default;

  struct Block {
    alignas(T) std::byte bytes[sizeof(T)];
    void clear() {}
  };
  T* allocate(std::size_t count) {
    if (count != 1) return std::allocator<T>().allocate(count);
    return reinterpret_cast<T*>(Spares<Block>::take().release());
  }
  void deallocate(T* place, std::size_t count) noexcept {
    if (count != 1) return std::allocator<T>().deallocate(place, count);
    Spares<Block>::give(std::unique_ptr<Block>(reinterpret_cast<Block*>(place)));
  }
};
template <class T, class... Arguments>
std::shared_ptr<T> make_shared_for_a_moment(Arguments&&... arguments) {
  return std::allocate_shared<T>(ReusedMemory<T>(), std::forward<Arguments>(arguments)...);
}

}  // namespace callboard
