#include "sync/blend_stream.h"

#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/limits.h"

namespace callboard::sync {
namespace {

// Most blocks are smaller and lie side by side; of a large one no more than this is read in vain.
constexpr std::size_t kAheadBytes = 8 * KiB;
// What libzstd asks for at a time: one block of its format.
constexpr std::size_t kPackedBytes = 128 * KiB;
constexpr std::size_t kUnpackedBytes = 128 * KiB;
// Blender's frames are of 1 MiB each. This is the window of zstd's level 19, should somebody have compressed
// it anew.
constexpr int kWindowLogMax = 23;

Error cancelled_looking() { return {Outcome::cancelled, "cancelled"}; }

class PlainStream final : public BlendStream {
 public:
  PlainStream(ReadAt file, std::stop_token stop) : file_(std::move(file)), stop_(std::move(stop)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      if (at_ == ahead_size_) {
        const Result<std::size_t> got = read_ahead();
        if (!got) return got;
        if (*got == 0) break;
      }
      const std::size_t size = std::min(into.size() - done, ahead_size_ - at_);
      std::copy_n(ahead_.begin() + static_cast<std::ptrdiff_t>(at_), size,
                  into.begin() + static_cast<std::ptrdiff_t>(done));
      at_ += size;
      done += size;
    }
    return done;
  }

  Result<void> skip(std::uint64_t size_bytes) override {
    const std::size_t here = ahead_size_ - at_;
    if (size_bytes <= here) {
      at_ += static_cast<std::size_t>(size_bytes);
      return {};
    }
    // Where no file reaches.
    constexpr std::uint64_t kEnd = std::numeric_limits<std::int64_t>::max();
    offset_ += std::min(size_bytes - here, kEnd - offset_);
    at_ = ahead_size_ = 0;
    return {};
  }

 private:
  Result<std::size_t> read_ahead() {
    if (stop_.stop_requested()) return cancelled_looking();
    const Result<std::size_t> got = file_(offset_, ahead_);
    if (!got) return got;
    at_ = 0;
    ahead_size_ = *got;
    offset_ += *got;
    return got;
  }

  ReadAt file_;
  std::stop_token stop_;
  std::uint64_t offset_ = 0;  // Behind what was read ahead.
  std::array<std::byte, kAheadBytes> ahead_;
  std::size_t at_ = 0;
  std::size_t ahead_size_ = 0;
};

class ZstdStream final : public BlendStream {
 public:
  ZstdStream(ReadAt file, std::uint64_t& unpacked_bytes_left, std::stop_token stop)
      : file_(std::move(file)),
        unpacked_bytes_left_(unpacked_bytes_left),
        stop_(std::move(stop)),
        context_(ZSTD_createDCtx()),
        packed_(kPackedBytes),
        skipped_(kUnpackedBytes) {
    ENSURE(context_ != nullptr);
    ENSURE(ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLogMax)) == 0);
  }

  Result<std::size_t> read(std::span<std::byte> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos < out.size) {
      if (at_.pos == at_.size && !is_full_) {
        const Result<bool> more = read_packed();
        if (!more) return more.error();
        // Between two frames it is the end; within one, libzstd was owed something.
        if (!*more && is_in_frame_) return Error{Outcome::failed, "compressed with zstd: cut short"};
        if (!*more) break;
      }
      if (const Result<void> unpacked = unpack(out); !unpacked) return unpacked.error();
    }
    return out.pos;
  }

  Result<void> skip(std::uint64_t size_bytes) override {
    while (size_bytes > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(size_bytes, skipped_.size()));
      const Result<std::size_t> got = read(std::span(skipped_).first(size));
      if (!got) return got.error();
      if (*got < size) break;
      size_bytes -= size;
    }
    return {};
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  Result<bool> read_packed() {
    if (stop_.stop_requested()) return cancelled_looking();
    const Result<std::size_t> got = file_(offset_, packed_);
    if (!got) return got.error();
    offset_ += *got;
    at_ = {packed_.data(), *got, 0};
    return *got > 0;
  }

  Result<void> unpack(ZSTD_outBuffer& out) {
    const std::size_t before = out.pos;
    const std::size_t left = ZSTD_decompressStream(context_.get(), &out, &at_);
    if (ZSTD_isError(left) != 0)
      return Error{Outcome::failed, std::string("compressed with zstd: ") + ZSTD_getErrorName(left)};
    is_in_frame_ = left != 0;
    // What did not fit is still in the context.
    is_full_ = is_in_frame_ && out.pos == out.size;
    const std::uint64_t unpacked_bytes = out.pos - before;
    if (unpacked_bytes > unpacked_bytes_left_) {
      unpacked_bytes_left_ = 0;
      return Error{Outcome::failed, "compressed with zstd: unpacks to more than is looked through in all"};
    }
    unpacked_bytes_left_ -= unpacked_bytes;
    return {};
  }

  ReadAt file_;
  std::uint64_t& unpacked_bytes_left_;
  std::stop_token stop_;
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  Bytes packed_;
  Bytes skipped_;
  ZSTD_inBuffer at_{nullptr, 0, 0};
  std::uint64_t offset_ = 0;
  bool is_in_frame_ = false;
  bool is_full_ = false;
};

bool begins_with(std::span<const std::byte> bytes, std::initializer_list<unsigned char> magic) {
  return bytes.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](unsigned char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

}  // namespace

ReadAt reading(int fd) {
  return [fd](std::uint64_t offset, std::span<std::byte> into) -> Result<std::size_t> {
    std::size_t done = 0;
    while (done < into.size()) {
      if (offset + done > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) break;
      const ssize_t got =
          ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return os_error("read", errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  };
}

Result<std::unique_ptr<BlendStream>> open_blend_stream(ReadAt file, std::uint64_t& unpacked_bytes_left,
                                                       std::stop_token stop) {
  std::array<std::byte, 4> magic;
  const Result<std::size_t> got = file(0, magic);
  if (!got) return got.error();
  const auto begin = std::span(magic).first(*got);
  if (begins_with(begin, {0x1f, 0x8b}))
    return Error{Outcome::refused,
                 "compressed with gzip, as by Blender before 3.0; save it anew to have it looked into"};
  if (begins_with(begin, {0x28, 0xb5, 0x2f, 0xfd}))
    return std::unique_ptr<BlendStream>(
        std::make_unique<ZstdStream>(std::move(file), unpacked_bytes_left, std::move(stop)));
  return std::unique_ptr<BlendStream>(std::make_unique<PlainStream>(std::move(file), std::move(stop)));
}

}  // namespace callboard::sync
