#include "server/store/packed_state.h"

#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "base/within_memory.h"

namespace callboard::server {
namespace {

// 300 MB/s on one core; the next ones make a window of changes hardly shorter.
constexpr int kLevel = 1;
// As SQLite keeps those that are not packed.
constexpr std::uint64_t kStateMax = 1'000'000'000;

Error damaged(const std::string& how) { return Error{Outcome::failed, "a kept state is damaged: " + how}; }

}  // namespace

Bytes packed_state(Bytes state) {
  if (state.size() > kStateMax) return state;  // SQLite refuses it.
  auto packed = within_memory([&]() -> Result<Bytes> {
    Bytes frame(ZSTD_compressBound(state.size()));
    const std::size_t size = ZSTD_compress(frame.data(), frame.size(), state.data(), state.size(), kLevel);
    if (ZSTD_isError(size) != 0) return Error{Outcome::failed, ZSTD_getErrorName(size)};
    frame.resize(size);
    return frame;
  });
  return packed && packed->size() < state.size() ? std::move(*packed) : std::move(state);
}

Result<Bytes> unpacked_state(ByteView kept) {
  constexpr std::byte kMagic[] = {std::byte{0x28}, std::byte{0xb5}, std::byte{0x2f}, std::byte{0xfd}};
  const bool is_packed =
      kept.size() >= std::size(kMagic) && std::equal(std::begin(kMagic), std::end(kMagic), kept.begin());
  return within_memory([&]() -> Result<Bytes> {
    if (!is_packed) return Bytes(kept.begin(), kept.end());
    const std::uint64_t size_bytes = ZSTD_getFrameContentSize(kept.data(), kept.size());
    // What is no size is beyond it, too.
    if (size_bytes > kStateMax) return damaged("expected its size, got none that is possible");
    Bytes state(size_bytes);
    const std::size_t got = ZSTD_decompress(state.data(), state.size(), kept.data(), kept.size());
    if (ZSTD_isError(got) != 0) return damaged(ZSTD_getErrorName(got));
    if (got != size_bytes)
      return damaged("expected " + std::to_string(size_bytes) + " bytes, got " + std::to_string(got));
    return state;
  });
}

}  // namespace callboard::server
