#include "client/delta_content.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "base/limits.h"

namespace callboard::client {
namespace {

// Read, hashed and written while it is in the L2 cache.
constexpr std::size_t kBlockBytes = 256 * KiB;

}  // namespace

Result<DeltaContent> DeltaContent::open(const sync::Root& root, const WantedFile& file) {
  Result<Fd> older = root.open_file(file.path);
  if (!older) return older.error();
  return DeltaContent(file.delta, *std::move(older));
}

Result<std::uint64_t> DeltaContent::copy_up_to_wanted(sync::IncomingFile& incoming) {
  std::uint64_t copied = 0;
  for (; next_ < delta_->plan.segments.size(); ++next_) {
    const sync::DeltaSegment& segment = delta_->plan.segments[next_];
    if (!segment.old_offset) break;
    if (const Result<void> done = copy(segment, incoming); !done) return done.error();
    copied += segment.size_bytes;
  }
  return copied;
}

Result<void> DeltaContent::copy(const sync::DeltaSegment& segment, sync::IncomingFile& incoming) {
  if (!block_) block_.reset(new std::byte[kBlockBytes]);
  std::uint64_t offset = *segment.old_offset;
  for (std::uint64_t left = segment.size_bytes; left > 0;) {
    const std::span<std::byte> into(block_.get(),
                                    static_cast<std::size_t>(std::min<std::uint64_t>(left, kBlockBytes)));
    const ssize_t got = ::pread(older_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Error{Outcome::superseded, "its older version changed while it was read"};
    const auto size_bytes = static_cast<std::size_t>(got);
    if (const Result<void> written = incoming.write(ByteView(into).first(size_bytes)); !written)
      return written;
    offset += size_bytes;
    left -= size_bytes;
  }
  return {};
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
