#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "protocol/datagram_signature.h"
#include "server/board/key_ring.h"

namespace callboard::server {

// By which keys an announcement is marked: by all that are good, in turn where there are more than have room in one. Pure.
class Signers {
 public:
  // What signs is made here, once for each key, whatever becomes of the others.
  void set(const KeyRing& ring);
  // The next ones after those of the last time, at most `count`, and none twice.
  std::vector<protocol::DatagramKey> next(std::size_t count, Timestamp now);

 private:
  struct Signer {
    std::string identity;
    std::optional<Timestamp> expires;
    protocol::DatagramKey key;
  };
  std::vector<Signer> all_;
  std::size_t turn_ = 0;
};

}  // namespace callboard::server
