#include "net/send_ring.h"

namespace callboard::net {

std::unique_ptr<SendRing> SendRing::open() { return nullptr; }

}  // namespace callboard::net
