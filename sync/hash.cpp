#include "sync/hash.h"

#include <unistd.h>
#include <xxhash.h>
// Chooses AVX2 or AVX-512 when the program runs: 42 GB/s over a block that was just read, instead of 14.
#ifdef CALLBOARD_XXHASH_DISPATCH
#include <xxh_x86dispatch.h>
#endif

#include <cerrno>
#include <cstring>
#include <span>
#include <string>

#include "base/limits.h"

namespace callboard::sync {
namespace {

// Small enough to stay in the L2 cache between read and hash.
constexpr std::size_t kReadBlock = 256 * KiB;
constexpr int kTriesWhileChanging = 3;

Digest canonical(XXH128_hash_t hash) {
  XXH128_canonical_t form;
  XXH128_canonicalFromHash(&form, hash);
  Digest digest;
  static_assert(sizeof form.digest == sizeof digest.bytes);
  std::memcpy(digest.bytes.data(), form.digest, sizeof form.digest);
  return digest;
}

XXH3_state_t* as_xxh(void* state) { return static_cast<XXH3_state_t*>(state); }

// A block for each thread that hashes, kept between files: allocating it for each would cost more than a small file.
std::span<std::byte> read_block() {
  thread_local const std::unique_ptr<std::byte[]> block(new std::byte[kReadBlock]);
  return {block.get(), kReadBlock};
}

// One read at `offset`; interrupted calls are repeated.
Result<std::size_t> read_some(int fd, std::span<std::byte> into, std::uint64_t offset) {
  for (;;) {
    const ssize_t size = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EINTR) return os_error("read", errno);
  }
}

Error changed() { return Error{Outcome::interrupted, "changed while it was read"}; }

bool same_content_expected(const FileStatus& before, const FileStatus& after) {
  return before.size_bytes == after.size_bytes && before.mtime_ns == after.mtime_ns &&
         before.ctime_ns == after.ctime_ns && before.inode == after.inode && before.kind == after.kind;
}

// The digest of exactly `size_bytes`; more or fewer of them mean that the file changed.
Result<Digest> hash_content(int fd, std::uint64_t size_bytes, const OnRead& on_read, ChunkList* chunks) {
  Hasher hasher;
  Chunker chunker;
  if (chunks != nullptr) chunks->clear();
  const std::span<std::byte> block = read_block();
  for (std::uint64_t offset = 0;;) {
    auto size = read_some(fd, block, offset);
    if (!size) return size.error();
    if (*size == 0 && chunks != nullptr) chunker.finish(*chunks);
    if (*size == 0) return offset == size_bytes ? Result<Digest>(hasher.digest()) : changed();
    if (chunks != nullptr) chunker.update(block.first(*size), *chunks);
    offset += *size;
    if (offset > size_bytes) return changed();
    if (on_read && !on_read(*size)) return Error{Outcome::cancelled, "cancelled"};
    // Nearly all files end in their first block; one call over it needs no state.
    if (offset == *size && offset == size_bytes && chunks == nullptr) return digest_of(block.first(*size));
    hasher.update(block.first(*size));
  }
}

}  // namespace

Digest digest_of(ByteView bytes) { return canonical(XXH3_128bits(bytes.data(), bytes.size())); }

void Hasher::FreeState::operator()(void* state) const { XXH3_freeState(as_xxh(state)); }

Hasher::Hasher() : state_(XXH3_createState()) {
  ENSURE(state_ != nullptr);
  reset();
}

void Hasher::update(ByteView bytes) { XXH3_128bits_update(as_xxh(state_.get()), bytes.data(), bytes.size()); }
Digest Hasher::digest() const { return canonical(XXH3_128bits_digest(as_xxh(state_.get()))); }
void Hasher::reset() { XXH3_128bits_reset(as_xxh(state_.get())); }

Result<HashedFile> hash_file(int fd, const OnRead& on_read, ChunkList* chunks) {
  auto before = status_of(fd);
  if (!before) return before.error();
  if (before->kind != FileKind::file) {
    return Error{Outcome::refused, "is " + std::string(to_text(before->kind)) + ", no file"};
  }
  auto digest = hash_content(fd, before->size_bytes, on_read, chunks);
  if (!digest) return digest.error();
  auto after = status_of(fd);
  if (!after) return after.error();
  if (!same_content_expected(*before, *after)) return changed();
  return HashedFile{*digest, *after};
}

Result<HashedFile> hash_settled_file(int fd, const OnRead& on_read, ChunkList* chunks) {
  for (int left = kTriesWhileChanging - 1;; --left) {
    auto hashed = hash_file(fd, on_read, chunks);
    if (hashed || hashed.error().outcome != Outcome::interrupted || left == 0) return hashed;
  }
}

}  // namespace callboard::sync
