#include "client/giver_pack.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/ensure.h"
#include "base/limits.h"

namespace callboard::client {

namespace {

// Whatever is there when less than kPackBytes are gathered, one frame fits behind it.
constexpr std::size_t kCapacity = kPackBytes + kBulkFrameMax + 64;

}  // namespace

GiverPack::GiverPack(GiverOutlet& outlet) : outlet_(outlet), buffer_(new std::byte[kCapacity]) {}

Result<void> GiverPack::flush(GiverOutlet::More more) {
  if (used_ == 0) return {};
  const bool promising = 2 * compressed_bytes_ < used_;
  const Result<bool> written = outlet_.write({buffer_.get(), used_}, promising, more);
  used_ = begun_at_ = content_at_ = compressed_bytes_ = 0;
  if (!written) return written.error();
  return {};
}

Result<bool> GiverPack::flush_block() {
  const Result<bool> written = outlet_.write({buffer_.get(), used_}, true);
  used_ = begun_at_ = content_at_ = compressed_bytes_ = 0;
  return written;
}

void GiverPack::end_file(bool is_compressed) {
  if (is_compressed) compressed_bytes_ += used_ - begun_at_;
  begun_at_ = used_;
}

void GiverPack::append(ByteView bytes) {
  ENSURE(used_ + bytes.size() <= kCapacity);
  std::copy(bytes.begin(), bytes.end(), buffer_.get() + used_);
  used_ += bytes.size();
}

Result<void> GiverPack::add(const protocol::GiverFrame& frame) {
  frame_.clear();
  protocol::encode(frame, frame_);
  append(frame_);
  if (used_ >= kPackBytes) return flush();
  return {};
}

void GiverPack::add_data_head(std::uint64_t content_size_bytes) {
  frame_.clear();
  protocol::encode_data_head(content_size_bytes, frame_);
  append(frame_);
}

Result<void> GiverPack::make_room(std::uint64_t content_size_bytes) {
  ENSURE(content_size_bytes <= kSmallFileMax);
  if (used_ >= kPackBytes) return flush();
  return {};
}

void GiverPack::begin_file(const protocol::File& file) {
  begun_at_ = used_;
  frame_.clear();
  protocol::encode_file_head(file, file.size_bytes, frame_);
  append(frame_);
}

int GiverPack::read_content(int fd, std::uint64_t size_bytes) {
  ENSURE(used_ + size_bytes <= kCapacity);
  content_at_ = used_;
  while (size_bytes > 0) {
    const ssize_t got = ::read(fd, buffer_.get() + used_, size_bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return -1;
    used_ += static_cast<std::size_t>(got);
    size_bytes -= static_cast<std::uint64_t>(got);
  }
  return 0;
}

}  // namespace callboard::client
