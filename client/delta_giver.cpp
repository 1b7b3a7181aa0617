#include "client/delta_giver.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "client/read_at.h"
#include "protocol/bulk.h"
#include "sync/chunk_list.h"
#include "sync/hash.h"

namespace callboard::client {
namespace {

// Small enough to stay in the L2 cache between reading, hashing and cutting.
constexpr std::size_t kChunkingBytes = 256 * KiB;

}  // namespace

bool DeltaGiver::suits(const GiverMachine::GiveFile& file, int fd) const {
  if (file.size_bytes < sync::kDeltaFileMin || file.size_bytes > sync::kDeltaFileMax) return false;
  if (sync::has_compressed_name(file.path.name())) return false;
  std::array<std::byte, 16> begin{};
  return !sync::has_compressed_magic(ByteView(begin).first(read_at(fd, begin, 0)));
}

Result<void> DeltaGiver::cut_short(const GiverMachine::GiveFile& file) {
  to_send_.clear();
  is_kept_ = false;
  return send(file, protocol::ChunksState::cut_short);
}

Result<void> DeltaGiver::list(const GiverMachine::GiveChunks& what, int fd,
                              const std::function<bool()>& is_wanted) {
  to_send_.clear();
  is_kept_ = false;
  sync::Index* index = folder_.index();
  if (index != nullptr) {
    if (const auto kept = sync::kept_chunks(*index, what.file.digest, what.file.size_bytes)) {
      sync::ChunkShortener shortener(what.groups);
      shortener.add(*kept, to_send_);
      shortener.finish(to_send_);
      is_kept_ = true;
      return send(what.file, protocol::ChunksState::complete);
    }
  }
  const Result<bool> whole = read_list(what, fd, is_wanted);
  if (!whole) return whole.error();
  return send(what.file, *whole ? protocol::ChunksState::complete : protocol::ChunksState::cut_short);
}

// False: the list is of no use.
Result<bool> DeltaGiver::read_list(const GiverMachine::GiveChunks& what, int fd,
                                   const std::function<bool()>& is_wanted) {
  std::vector<std::byte> block(kChunkingBytes);
  sync::Hasher hasher;
  sync::Chunker chunker;
  sync::ChunkShortener shortener(what.groups);
  sync::ChunkList all;
  std::size_t shortened = 0;
  const auto shorten = [&] {
    shortener.add({all.begin() + static_cast<std::ptrdiff_t>(shortened), all.end()}, to_send_);
    shortened = all.size();
  };
  for (std::uint64_t offset = 0; offset < what.file.size_bytes;) {
    const std::size_t got = read_at(fd, block, offset);
    if (got == 0 || !is_wanted()) return false;
    hasher.update(ByteView(block).first(got));
    chunker.update(ByteView(block).first(got), all);
    offset += got;
    if (all.size() - shortened < kChunksAtOnce) continue;
    shorten();
    if (const Result<void> sent = send_full_parts(what.file); !sent) return sent.error();
  }
  chunker.finish(all);
  shorten();
  shortener.finish(to_send_);
  if (hasher.digest() != what.file.digest) return false;
  if (sync::Index* index = folder_.index()) sync::keep_chunks(*index, what.file.digest, all);
  return true;
}

protocol::Chunks DeltaGiver::part_of(const GiverMachine::GiveFile& file, protocol::ChunksState state) const {
  return {.listing = file.listing, .entry = file.entry, .state = state, .kept = is_kept_, .chunks = {}};
}

Result<void> DeltaGiver::send_full_parts(const GiverMachine::GiveFile& file) {
  while (to_send_.size() > kChunksAtOnce) {
    protocol::Chunks part = part_of(file, protocol::ChunksState::more);
    const auto end = to_send_.begin() + static_cast<std::ptrdiff_t>(kChunksAtOnce);
    part.chunks.assign(to_send_.begin(), end);
    to_send_.erase(to_send_.begin(), end);
    if (const Result<void> added = pack_.add(protocol::GiverFrame(std::move(part))); !added) return added;
    // The taker looks at it while the next part is read.
    if (const Result<void> sent = pack_.flush(); !sent) return sent;
  }
  return {};
}

Result<void> DeltaGiver::send(const GiverMachine::GiveFile& file, protocol::ChunksState last) {
  std::size_t at = 0;
  do {
    const std::size_t end = std::min(at + kChunksPerFrame, to_send_.size());
    protocol::Chunks part = part_of(file, end < to_send_.size() ? protocol::ChunksState::more : last);
    part.chunks.assign(to_send_.begin() + static_cast<std::ptrdiff_t>(at),
                       to_send_.begin() + static_cast<std::ptrdiff_t>(end));
    if (const Result<void> added = pack_.add(protocol::GiverFrame(std::move(part))); !added) return added;
    at = end;
  } while (at < to_send_.size());
  to_send_.clear();
  return {};
}

}  // namespace callboard::client
