#include "server/signers.h"

#include <string>
#include <unordered_map>
#include <utility>

namespace callboard::server {

void Signers::set(const KeyRing& ring) {
  std::unordered_map<std::string, protocol::DatagramKey> known;
  for (Signer& each : all_) known.emplace(std::move(each.identity), each.key);
  all_.clear();
  for (const KeyEntry& each : ring.entries()) {
    const auto same = known.find(each.key.identity);
    all_.push_back({each.key.identity, each.expires, same != known.end() ? same->second : each.key.secret});
  }
}

std::vector<protocol::DatagramKey> Signers::next(std::size_t count, Timestamp now) {
  std::vector<protocol::DatagramKey> keys;
  for (std::size_t seen = 0; seen < all_.size() && keys.size() < count; ++seen) {
    const Signer& each = all_[turn_++ % all_.size()];
    if (is_good(each.expires, now)) keys.push_back(each.key);
  }
  return keys;
}

}  // namespace callboard::server
