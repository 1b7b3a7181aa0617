#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/entry.h"
#include "base/result.h"
#include "sync/chunker.h"
#include "sync/file_status.h"

namespace callboard::sync {

// XXH3-128, the digest of everything (docs/protocol.md, 3.1).
Digest digest_of(ByteView bytes);

// The same over bytes that come in pieces. Thread: one at a time.
class Hasher {
 public:
  Hasher();
  Hasher(Hasher&&) noexcept = default;
  Hasher& operator=(Hasher&&) noexcept = default;

  void update(ByteView bytes);
  // Of everything so far; more may follow.
  Digest digest() const;
  void reset();

 private:
  struct FreeState {
    void operator()(void* state) const;
  };
  std::unique_ptr<void, FreeState> state_;
};

struct HashedFile {
  Digest digest;
  FileStatus status;  // The same before and after it was read.
};

// Told how many bytes were read since the last time; returning false cancels.
using OnRead = std::function<bool(std::uint64_t bytes)>;

// Reads an open regular file from its start to its end, whatever its offset. Outcome interrupted: it changed while it was
// read; cancelled: `on_read` (may be empty) said so.
Result<HashedFile> hash_file(int fd, const OnRead& on_read = {}, ChunkList* chunks = nullptr);

// hash_file() up to three times while the file keeps changing. `chunks`, unless null, becomes the list of its chunks.
Result<HashedFile> hash_settled_file(int fd, const OnRead& on_read = {}, ChunkList* chunks = nullptr);

}  // namespace callboard::sync
