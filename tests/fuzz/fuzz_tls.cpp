// Either end of TLS against a peer that has no key: it hears nothing of what is said beneath, is never believed, and costs no
// more than a handshake may. The first byte says which end and in which pieces, the others are what the peer sends.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/limits.h"
#include "net/tls_engine.h"

using namespace callboard;
using namespace callboard::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  AccessKey key{"0123456789abcdef", {}};
  key.secret.fill(7);
  const bool is_server = data[0] % 2 == 0;
  const auto engine = is_server ? TlsEngine::server([&](std::string_view named) {
    return named == key.identity ? std::optional(key.secret) : std::nullopt;
  })
                                : TlsEngine::client(key);
  engine->start();
  engine->send(as_bytes("what nobody else may know"));
  const std::size_t piece = std::size_t{1} + data[0] / 2 * std::size_t{8};
  ByteView rest = std::as_bytes(std::span(data + 1, size - 1));
  Bytes plain;
  std::uint64_t said_bytes = 0;
  while (!rest.empty()) {
    const ByteView now = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(now.size());
    const auto heard = engine->receive(now, plain);
    said_bytes += engine->take_sealed().size();
    ENSURE(!engine->is_ready() && plain.empty());
    if (!heard) break;
  }
  ENSURE(said_bytes <= 16 * KiB);
  engine->finish();
  return 0;
}
