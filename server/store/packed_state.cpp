#include "server/store/packed_state.h"

#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/within_memory.h"

namespace callboard::server {
namespace {

// 300 MB/s on one core; the next ones make a window of changes hardly shorter.
constexpr int kLevel = 1;
// As SQLite keeps those that are not packed.
constexpr std::uint64_t kStateMax = 1'000'000'000;
// RFC 8878, 3.1.1.2: what a block holds at most, and takes at least where it holds more than itself.
constexpr std::uint64_t kBlockMax = 128 * KiB;
constexpr std::uint64_t kBlockBytesMin = 4;

Error damaged(const std::string& how) { return Error{Outcome::failed, "a kept state is damaged: " + how}; }

}  // namespace

Bytes packed_state(Bytes state) {
  if (state.size() > kStateMax) return state;  // SQLite refuses it.
  auto packed = within_memory([&]() -> Result<Bytes> {
    const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
    if (!context) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    Bytes frame(ZSTD_compressBound(state.size()));
    const std::size_t size =
        ZSTD_compress2(context.get(), frame.data(), frame.size(), state.data(), state.size());
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
    // What is no size is beyond it, too. No memory is taken for what the frame cannot hold.
    if (size_bytes > kStateMax || size_bytes > (kept.size() / kBlockBytesMin + 1) * kBlockMax)
      return damaged("expected its size, got none that is possible");
    Bytes state(size_bytes);
    const std::size_t got = ZSTD_decompress(state.data(), state.size(), kept.data(), kept.size());
    if (ZSTD_isError(got) != 0) return damaged(ZSTD_getErrorName(got));
    if (got != size_bytes)
      return damaged("expected " + std::to_string(size_bytes) + " bytes, got " + std::to_string(got));
    return state;
  });
}

}  // namespace callboard::server
