// A server that says anything on a transfer's connection: it begins with `ready` or not at all, and what follows that is all
// there. The first byte says in which pieces.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/ensure.h"
#include "protocol/data_connection.h"

using namespace callboard;
using namespace callboard::protocol;

namespace {

// What is the transfer's; nullopt when it does not come to that.
std::optional<Bytes> hear(ByteView stream, std::size_t piece) {
  DataConnection connection({1, 2}, Instant{});
  while (!stream.empty()) {
    const ByteView now = stream.first(std::min(piece, stream.size()));
    stream = stream.subspan(now.size());
    const auto ready = connection.on_bytes(now);
    if (!ready) return std::nullopt;
    if (!*ready) continue;
    ENSURE(connection.step() == DataConnection::Step::finished);
    Bytes rest = connection.take_rest();
    rest.insert(rest.end(), stream.begin(), stream.end());
    return rest;
  }
  return std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteView stream = std::as_bytes(std::span(data + 1, size - 1));
  const auto whole = hear(stream, stream.size());
  ENSURE(hear(stream, std::size_t{1} + data[0]) == whole);
  ENSURE(hear(stream, 1) == whole);
  return 0;
}
