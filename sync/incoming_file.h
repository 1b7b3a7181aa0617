#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/entry.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/result.h"
#include "sync/direct_block.h"
#include "sync/file_ops.h"
#include "sync/file_status.h"
#include "sync/hash.h"
#include "sync/holes.h"
#include "sync/relative_path.h"

namespace callboard::sync {

class Stager;

// Below this a file that broke off is fetched anew: reading it again would cost more than it saves.
inline constexpr std::uint64_t kResumeMin = 4 * MiB;
// Files from here on go to disk past the page cache where that is asked for.
inline constexpr std::uint64_t kBypassCacheMin = 1 * MiB;
// Blocks of the file systems that share them are no larger, on machines whose pages are not.
inline constexpr std::uint64_t kShareAlign = 4 * KiB;

// A whole, verified file with its mode and mtime, waiting under `name` in the stager's folder for its real name.
struct StagedFile {
  RelativePath path;
  Entry entry;
  std::string name;
  FileStatus status;
};

// One file on its way in. Hashes what it writes; only finish() can say that it is whole. Destroyed without finish(), it
// stays on disk when a later try can go on from it (kResumeMin), and is removed otherwise.
// Thread: one at a time. The stager must outlive it.
class IncomingFile {
 public:
  IncomingFile(IncomingFile&& other) noexcept;
  IncomingFile& operator=(IncomingFile&&) = delete;
  ~IncomingFile();

  // Bytes it has; the next write() continues here.
  std::uint64_t offset() const { return offset_; }
  // Room for all of it. Before the first byte.
  Result<void> reserve();
  // Fails when there would be more bytes than the entry announced, and with the system's cause (disk full, quota).
  Result<void> write(ByteView bytes);
  // The same with zeros: a hole, where the file system has such.
  Result<void> skip(std::uint64_t size_bytes);
  // The next bytes from an open file's `offset`, whose blocks it then shares, hashed as they are here from now on. How
  // many: 0 where the file system cannot, or not these; write() them then. Both must begin at a multiple of kShareAlign.
  Result<std::uint64_t> share(const FileOps::Range& from);
  // Whether finish() has much to write.
  bool has_waiting_bytes() const { return block_ != nullptr; }
  // All of it at once, from an open file that is known to have this content: its blocks are shared where the file system can,
  // else copied by the kernel, but for its holes. Only as the first thing. False: the system can do neither; discard() it.
  Result<bool> copy_known(int source_fd);
  // The rest of it, from an open file's position to its end, hashed and written. The result is 0, or why that file could not be
  // read (EFBIG: it is longer than what was listed).
  Result<int> copy_hashed(int source_fd);
  // Verifies size and digest. On a mismatch the file is removed, and the error is superseded: what came is not what was
  // listed. Every other error has another outcome.
  Result<StagedFile> finish();
  // What came is void (the giver's file changed while it was read).
  void discard();

 private:
  friend class Stager;
  IncomingFile(Stager& stager, StagedFile file, Fd fd);
  Result<void> check_room(std::uint64_t size_bytes) const;
  Result<void> put_hole(std::uint64_t size_bytes);
  Result<void> hash_shared(std::uint64_t size_bytes);
  Result<void> hash_what_is_there();
  void bypass_cache();
  Result<void> put(ByteView bytes);
  Result<void> put_block(bool is_last);
  Result<void> write_through(ByteView bytes);
  Result<bool> copy_in_kernel(int source_fd);
  Result<void> set_metadata();
  Error failure(std::string_view verb, int errno_value) const;

  Stager* stager_;  // nullptr: finished, discarded or moved from.
  StagedFile file_;
  Fd fd_;
  std::uint64_t offset_ = 0;
  Hasher hasher_;
  DirectBlocks::Pointer block_;  // What is not written yet.
  Shape shape_ = Shape::dense;
  bool may_share_ = true;  // Until the file system says that it cannot.
  bool is_known_ = false;  // The content needs no digest: it was copied from a file that has it.
};

}  // namespace callboard::sync
