// What lies in a server's folder, as it may be after a bad day: the keys, the sessions, a snapshot of the board. The first
// byte says which; a checksum that the file ends with is put right, so that what it guards is read as well. What is read is
// written as the same bytes again.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/ensure.h"
#include "server/board/board.h"
#include "server/board/kept_sessions.h"
#include "server/board/key_ring.h"
#include "server/board/sha256.h"

using namespace callboard;
using namespace callboard::server;

namespace {

Bytes with_checksum(ByteView content) {
  Bytes bytes(content.begin(), content.end());
  const Sha256 digest = sha256(content);
  const auto checksum = std::as_bytes(std::span(digest));
  bytes.insert(bytes.end(), checksum.begin(), checksum.end());
  return bytes;
}

void read_keys(ByteView content) {
  static_cast<void>(key_ring_from(content));
  const auto ring = key_ring_from(with_checksum(content));
  if (!ring) return;
  const Bytes written = encoded(*ring);
  const auto again = key_ring_from(written);
  ENSURE(again && encoded(*again) == written);
}

void read_sessions(ByteView content) {
  static_cast<void>(kept_sessions_from(content));
  const auto kept = kept_sessions_from(with_checksum(content));
  if (!kept) return;
  const Bytes written = encoded(*kept);
  const auto again = kept_sessions_from(written);
  ENSURE(again && encoded(*again) == written);
}

void read_board(ByteView content) {
  const auto board = Board::decoded(content);
  if (!board) return;
  const Bytes written = board->encoded();
  const auto again = Board::decoded(written);
  ENSURE(again && again->encoded() == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteView content = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 3) {
    case 0:
      read_keys(content);
      break;
    case 1:
      read_sessions(content);
      break;
    default:
      read_board(content);
      break;
  }
  return 0;
}
