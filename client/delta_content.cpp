#include "client/delta_content.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "base/limits.h"

namespace callboard::client {
namespace {

// Read, hashed and written while it is in the L2 cache.
constexpr std::size_t kDeltaBlockBytes = 256 * KiB;

}  // namespace

Result<DeltaContent> DeltaContent::open(const sync::Root& root, const WantedFile& file) {
  Result<Fd> older = root.open_file(file.path);
  if (!older) return older.error();
  return DeltaContent(file.delta, *std::move(older));
}

Result<std::uint64_t> DeltaContent::copy_up_to_wanted(sync::IncomingFile& incoming,
                                                      const std::atomic<bool>& cancelled) {
  std::uint64_t copied = 0;
  for (; next_ < delta_->plan.segments.size(); ++next_) {
    const sync::DeltaSegment& segment = delta_->plan.segments[next_];
    if (!segment.old_offset) break;
    std::uint64_t offset = *segment.old_offset;
    for (std::uint64_t left = segment.size_bytes; left > 0;) {
      if (cancelled) return Error{Outcome::cancelled, "cancelled"};
      Result<std::uint64_t> done = incoming.share({older_.get(), offset, left});
      if (done && *done == 0) done = copy_block(offset, left, incoming);
      if (!done) return done;
      offset += *done;
      left -= *done;
    }
    copied += segment.size_bytes;
  }
  return copied;
}

// Up to where a block ends: what follows may be shared.
Result<std::uint64_t> DeltaContent::copy_block(std::uint64_t offset, std::uint64_t size_bytes,
                                               sync::IncomingFile& incoming) {
  if (!block_) block_.reset(new std::byte[kDeltaBlockBytes]);
  const std::uint64_t to_end_of_block = kDeltaBlockBytes - incoming.offset() % kDeltaBlockBytes;
  const std::span<std::byte> into(block_.get(),
                                  static_cast<std::size_t>(std::min(size_bytes, to_end_of_block)));
  ssize_t got = 0;
  do {
    got = ::pread(older_.get(), into.data(), into.size(), static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return Error{Outcome::superseded, "its older version changed while it was read"};
  const auto read_bytes = static_cast<std::size_t>(got);
  if (const Result<void> written = incoming.write(ByteView(into).first(read_bytes)); !written)
    return written.error();
  return static_cast<std::uint64_t>(read_bytes);
}

std::uint64_t DeltaContent::wanted_bytes() const {
  if (next_ == delta_->plan.segments.size()) return 0;
  return delta_->plan.segments[next_].size_bytes - written_;
}

void DeltaContent::on_written(std::uint64_t size_bytes) {
  written_ += size_bytes;
  if (written_ < delta_->plan.segments[next_].size_bytes) return;
  next_ += 1;
  written_ = 0;
}

}  // namespace callboard::client
