#include "server/signers.h"

namespace callboard::server {

void Signers::set(const KeyRing& ring) {
  all_.clear();
  for (const KeyEntry& each : ring.entries()) all_.push_back({each, each.key.secret});
}

std::vector<protocol::DatagramKey> Signers::next(std::size_t count, Timestamp now) {
  std::vector<protocol::DatagramKey> keys;
  for (std::size_t seen = 0; seen < all_.size() && keys.size() < count; ++seen) {
    const Signer& each = all_[turn_++ % all_.size()];
    if (each.entry.is_good(now)) keys.push_back(each.key);
  }
  return keys;
}

}  // namespace callboard::server
