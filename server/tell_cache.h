#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/id.h"
#include "protocol/codec.h"

namespace callboard::server {

// A tell made for one cursor, for others who stand there too.
template <class Key>
struct CachedTell {
  Key from{};
  std::uint64_t head = 0;
  Key next{};
  std::vector<SessionId> about;  // For whom it is not: those get their own.
  protocol::EncodedFrame frame;  // Null head: there was nothing to tell.
};

template <class Cache>
bool concerns(const Cache& cached, SessionId session) {
  return std::find(cached.about.begin(), cached.about.end(), session) != cached.about.end();
}

// The tell for a listener at `from`: one made before for everybody, or one of its own.
template <class Cache, class Key, class Make>
Cache told(std::vector<Cache>& caches, const Key& from, std::uint64_t head, SessionId listener, Make make) {
  // Different cursors that listeners stand at, at one time: those who kept up, and a few slow ones.
  constexpr std::size_t kCachedMax = 8;
  std::erase_if(caches, [&](const Cache& cached) { return cached.head != head; });
  auto cached =
      std::find_if(caches.begin(), caches.end(), [&](const Cache& one) { return one.from == from; });
  if (cached == caches.end()) {
    if (caches.size() >= kCachedMax) caches.erase(caches.begin());
    caches.push_back(make(SessionId{}));
    caches.back().head = head;
    cached = caches.end() - 1;
  }
  return concerns(*cached, listener) ? make(listener) : *cached;
}

}  // namespace callboard::server
