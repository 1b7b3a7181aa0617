#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/id.h"
#include "protocol/codec.h"

namespace callboard::server {

inline bool is_of(SessionId a, SessionId b) { return a == b; }

// A tell made for one cursor, for others who stand there too.
template <class Key, class Who = SessionId>
struct CachedTell {
  Key from{};
  std::uint64_t head = 0;
  Key next{};
  std::vector<Who> about;        // For whom it is not: those get their own.
  protocol::EncodedFrame frame;  // Null head: there was nothing to tell.
};

template <class Cache, class Who>
bool concerns(const Cache& cached, const Who& who) {
  return std::ranges::any_of(cached.about, [&](const Who& each) { return is_of(each, who); });
}

// The tell for a listener at `from`: one made before for everybody, or one of its own.
template <class Cache, class Key, class Who, class Make>
Cache told(std::vector<Cache>& caches, const Key& from, std::uint64_t head, const Who& listener, Make make) {
  // Different cursors that listeners stand at, at one time: those who kept up, and a few slow ones.
  constexpr std::size_t kCachedMax = 8;
  std::erase_if(caches, [&](const Cache& cached) { return cached.head != head; });
  auto cached =
      std::find_if(caches.begin(), caches.end(), [&](const Cache& one) { return one.from == from; });
  if (cached == caches.end()) {
    if (caches.size() >= kCachedMax) caches.erase(caches.begin());
    caches.push_back(make(Who{}));
    caches.back().head = head;
    cached = caches.end() - 1;
  }
  return concerns(*cached, listener) ? make(listener) : *cached;
}

}  // namespace callboard::server
