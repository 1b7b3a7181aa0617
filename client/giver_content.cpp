#include "client/giver_content.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "client/read_at.h"
#include "sync/chunk_list.h"
#include "sync/holes.h"

namespace callboard::client {
namespace {

// Squeezed while it is in the L2 cache; twice as much would be a hundredth shorter.
constexpr std::uint64_t kBlockBytes = kSmallFileMax;
constexpr std::size_t kMagicBytes = 16;

}  // namespace

bool is_compressed_format(const sync::RelativePath& path, ByteView begin) {
  return sync::has_compressed_name(path.name()) ||
         sync::has_compressed_magic(begin.first(std::min(begin.size(), kMagicBytes)));
}

Result<void> GiverContent::begin(protocol::File head, int fd) {
  is_sparse_ = sync::has_holes(fd);
  format_ = Format::unknown;
  plain_up_to_ = 0;
  head.whole = false;
  head.sparse = is_sparse_;
  return parts_.pack.add(protocol::GiverFrame(head));
}

Result<bool> GiverContent::send_range(const GiverMachine::GiveFile& file, const protocol::Range& range,
                                      int fd) {
  if (parts_.over) return Error{Outcome::interrupted, "the taker left"};
  if (range.size_bytes > kSmallFileMax) {
    GiverMachine::GiveFile piece = file;
    piece.offset = range.offset;
    piece.size_bytes = range.offset + range.size_bytes;
    return send(piece, fd);
  }
  if (const Result<void> room = parts_.pack.make_room(range.size_bytes); !room) return room.error();
  return send_block(file, fd, range);
}

// Into the pack. False: it cannot be read.
Result<bool> GiverContent::send_block(const GiverMachine::GiveFile& file, int fd,
                                      const protocol::Range& block) {
  if (parts_.while_reading) parts_.while_reading(file.path);
  parts_.pack.end_file();  // Nothing before this range is taken back.
  parts_.pack.add_data_head(block.size_bytes);
  const bool read = ::lseek(fd, static_cast<off_t>(block.offset), SEEK_SET) >= 0 &&
                    parts_.pack.read_content(fd, block.size_bytes) == 0;
  if (!read) {
    parts_.pack.abandon_file();
    return false;
  }
  parts_.pack.end_file();
  parts_.sent_bytes += block.size_bytes;
  return true;
}

Result<bool> GiverContent::send(const GiverMachine::GiveFile& file, int fd) {
  GiverMachine::GiveFile rest = file;
  while (rest.offset < file.size_bytes) {
    sync::Hole hole{file.size_bytes, file.size_bytes};
    if (is_sparse_) hole = sync::next_hole(fd, rest.offset, file.size_bytes);
    const Result<bool> sent = send_data(rest, fd, hole.begin);
    if (!sent || !*sent) return sent;
    rest.offset = hole.end;
    if (hole.size_bytes() == 0) break;
    const Result<void> told = parts_.pack.add(protocol::GiverFrame(protocol::Hole{hole.size_bytes()}));
    if (!told) return told.error();
    parts_.sent_bytes += hole.size_bytes();
  }
  return true;
}

// From the file's offset up to `end`. False as above.
Result<bool> GiverContent::send_data(const GiverMachine::GiveFile& file, int fd, std::uint64_t end) {
  for (std::uint64_t offset = file.offset; offset < end;) {
    if (parts_.over) return Error{Outcome::interrupted, "the taker left"};
    protocol::Range block{offset, std::min(kBulkDataMax, end - offset)};
    const bool tries = is_squeezable(file, fd, offset);
    if (tries) block.size_bytes = std::min(kBlockBytes, block.size_bytes);
    const Result<bool> sent = tries ? send_squeezed(file, fd, block) : send_frame(file, fd, block);
    if (!sent || !*sent) return sent;
    offset += block.size_bytes;
  }
  return true;
}

bool GiverContent::is_squeezable(const GiverMachine::GiveFile& file, int fd, std::uint64_t offset) {
  if (!parts_.outlet.squeezes() || offset < plain_up_to_) return false;
  if (format_ == Format::unknown) {
    std::array<std::byte, kMagicBytes> begin{};
    const bool is_compressed = is_compressed_format(file.path, ByteView(begin).first(read_at(fd, begin, 0)));
    format_ = is_compressed ? Format::compressed : Format::other;
  }
  return format_ == Format::other;
}

// One `data` frame, by itself.
Result<bool> GiverContent::send_squeezed(const GiverMachine::GiveFile& file, int fd,
                                         const protocol::Range& block) {
  if (const Result<void> flushed = parts_.pack.flush(); !flushed) return flushed.error();
  const Result<bool> read = send_block(file, fd, block);
  if (!read || !*read) return read;
  const Result<bool> squeezed = parts_.pack.flush_block();
  if (!squeezed) return squeezed.error();
  if (!*squeezed) plain_up_to_ = block.offset + block.size_bytes + kRetryBytes;
  return true;
}

// One `data` frame straight from the file.
Result<bool> GiverContent::send_frame(const GiverMachine::GiveFile& file, int fd,
                                      const protocol::Range& block) {
  if (parts_.outlet.squeezes()) {
    // What was gathered is squeezed, which the beginning of a frame is not.
    if (const Result<void> flushed = parts_.pack.flush(); !flushed) return flushed.error();
  }
  parts_.pack.add_data_head(block.size_bytes);
  const Result<void> head = parts_.pack.flush(GiverOutlet::More::yes);
  if (!head) return head.error();
  if (parts_.while_reading) parts_.while_reading(file.path);
  const std::uint64_t before = parts_.outlet.sent_bytes();
  const Result<std::uint64_t> sent = parts_.outlet.send_file(fd, block.offset, block.size_bytes);
  const std::uint64_t moved = sent ? *sent : parts_.outlet.sent_bytes() - before;
  parts_.sent_bytes += moved;
  if (moved == block.size_bytes) return true;
  return send_rest(fd, block.offset + moved, block.size_bytes - moved);
}

// The frame was announced, so it is completed whatever the file does: by reading on, else by zeros.
Result<bool> GiverContent::send_rest(int fd, std::uint64_t offset, std::uint64_t count_bytes) {
  std::vector<std::byte> buffer(64 * KiB);
  bool readable = true;
  while (count_bytes > 0) {
    std::size_t size_bytes = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), count_bytes));
    const ssize_t got = readable ? ::pread(fd, buffer.data(), size_bytes, static_cast<off_t>(offset)) : 0;
    if (got > 0) {
      size_bytes = static_cast<std::size_t>(got);
    } else {
      readable = false;
      std::fill(buffer.begin(), buffer.end(), std::byte{});
    }
    const Result<void> written = parts_.outlet.write_plain(ByteView(buffer).first(size_bytes));
    if (!written) return written.error();
    offset += size_bytes;
    count_bytes -= size_bytes;
  }
  return readable;
}

}  // namespace callboard::client
