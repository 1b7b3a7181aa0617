#include "client/giver_outlet.h"

#include <optional>

namespace callboard::client {
namespace {

double elapsed_seconds(Instant from, Instant to) { return std::chrono::duration<double>(to - from).count(); }

}  // namespace

Result<bool> GiverOutlet::write(ByteView frames, bool promising, More more) {
  const Instant begun = now();
  const bool tries = squeezes() && promising && more == More::no && frames.size() >= kSqueezeMin &&
                     frames.size() <= kSqueezedMax;
  std::optional<ByteView> squeezed;
  if (tries) squeezed = squeezer_.squeeze(frames, frames.size() - frames.size() / kShareOf);
  const Instant squeezed_at = now();
  const Result<void> written = socket_.write(squeezed ? *squeezed : frames, more);
  if (!written) return written.error();
  policy_.on_sent({.content_bytes = frames.size(),
                   .seconds = elapsed_seconds(begun, now()),
                   .squeeze_seconds = elapsed_seconds(begun, squeezed_at),
                   .is_squeezed = squeezed.has_value()});
  return squeezed.has_value();
}

Result<std::uint64_t> GiverOutlet::send_file(int fd, std::uint64_t offset, std::uint64_t count_bytes) {
  const Instant begun = now();
  Result<std::uint64_t> sent = socket_.send_file(fd, offset, count_bytes);
  if (sent) policy_.on_sent({.content_bytes = *sent, .seconds = elapsed_seconds(begun, now())});
  return sent;
}

}  // namespace callboard::client
