#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
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
#include "sync/root.h"
#include "sync/tree_store.h"

namespace callboard::sync {

class Stager;

// Below this a file that broke off is fetched anew: reading it again would cost more than it saves.
inline constexpr std::uint64_t kResumeMin = 4 * MiB;
// Files from here on go to disk past the page cache where that is asked for.
inline constexpr std::uint64_t kBypassCacheMin = 1 * MiB;
// How long what a broken transfer left may wait for the next try.
inline constexpr auto kKeptLife = 24h;
// The same for what came of a new directory, which may be days of copying: over a holiday.
inline constexpr auto kKeptTreeLife = 14 * 24h;

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
  // Fails when there would be more bytes than the entry announced, and with the system's cause (disk full, quota).
  Result<void> write(ByteView bytes);
  // The same with zeros: a hole, where the file system has such.
  Result<void> skip(std::uint64_t size_bytes);
  // Whether finish() has much to write.
  bool has_waiting_bytes() const { return block_ != nullptr; }
  // All of it at once, from an open file that is known to have this content: its blocks are shared where the file system can,
  // else copied by the kernel, but for its holes. Only as the first thing. False: the system can do neither; write() it.
  Result<bool> copy_known(int source_fd);
  // Verifies size and digest. On a mismatch the file is removed, and the error is superseded: what came is not what was
  // listed. Every other error has another outcome.
  Result<StagedFile> finish();
  // What came is void (the giver's file changed while it was read).
  void discard();

 private:
  friend class Stager;
  IncomingFile(Stager& stager, StagedFile file, Fd fd);
  Result<void> reserve();
  Result<void> check_room(std::uint64_t size_bytes) const;
  Result<void> put_hole(std::uint64_t size_bytes);
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
  bool is_known_ = false;  // The content needs no digest: it was copied from a file that has it.
};

// The folder `.callboard/tmp/<transfer>` of one pull: where bytes wait until they are verified. Names are
// "<digest>-<size>-<number>", so they never overflow, equal contents do not collide, and what a crash left is found
// again by content alone: leftovers of ended transfers lie in `.callboard/tmp/kept` as "<digest>-<size>" for kKeptLife.
// The folder is locked as long as this object lives; opening sweeps the folders of transfers that died.
// Thread: all methods may run at once (two writers, one committer); open() and the destructor alone.
class Stager {
 public:
  // `transfer` names the folder; one of a running transfer is refused (locked). `root` and `ops` must outlive it.
  static Result<std::unique_ptr<Stager>> open(const Root& root, FileOps& ops, std::string_view transfer,
                                              Timestamp now);
  // Keeps what a next try can use and removes the rest.
  ~Stager();
  Stager(const Stager&) = delete;
  Stager& operator=(const Stager&) = delete;

  // From here on large files (kBypassCacheMin) are written past the page cache where the file system can do that: half the
  // CPU when all of it must reach the disk anyway, and no backlog for a sync to wait for.
  void bypass_cache() { bypasses_cache_ = true; }

  // A small file that came in one piece.
  Result<StagedFile> stage_whole(const RelativePath& path, const Entry& entry, ByteView content);
  // From its first byte. Room for all of it is reserved before a byte is written (1 MiB and more), unless it is sparse.
  Result<IncomingFile> begin(const RelativePath& path, const Entry& entry, Shape shape = Shape::dense);
  // The same without the room, for what may share another file's.
  Result<IncomingFile> begin_copy(const RelativePath& path, const Entry& entry);
  // Bytes of this content that an earlier try left: 0 for none, less than the size when the rest must come. Promised once:
  // several files may have this content, and one alone can have what was left.
  std::uint64_t promise_offset(const Entry& entry);
  // Takes over what promise_offset() promised, hashing it again; offset() says where to go on. Not found when
  // another transfer took it meanwhile: begin() then.
  Result<IncomingFile> resume(const RelativePath& path, const Entry& entry, Shape shape = Shape::dense);
  // The whole content, left verified by an earlier try; hashed again. nullopt: fetch it.
  Result<std::optional<StagedFile>> reuse(const RelativePath& path, const Entry& entry);

  // New directories that are put together in this folder.
  TreeStore& trees() { return *trees_; }
  // What an earlier try had at this path of a new directory. That it has the content must be known: it is not hashed again.
  std::optional<StagedFile> take_from_tree(const RelativePath& path, const Entry& entry);

  // What an earlier try left, whole or in part.
  std::uint64_t kept_bytes() const;
  // A name in this folder that nobody has, for what is made here and renamed into place. Not kept for a next try.
  std::string unused_name();
  Place place(const std::string& name) const { return {folder_fd_.get(), name}; }

 private:
  friend class IncomingFile;
  Stager(FileOps& ops, std::string transfer) : ops_(ops), transfer_(std::move(transfer)) {}
  Result<void> open_folders(const Root& root, Timestamp now);
  void sweep(Timestamp now);
  void retire(int folder_fd, const std::string& folder);
  void keep(const Place& left);
  Result<IncomingFile> create(const RelativePath& path, const Entry& entry, std::uint16_t mode);
  Result<IncomingFile> claim(const RelativePath& path, const Entry& entry);
  std::string staged_name(const Entry& entry);

  FileOps& ops_;
  bool bypasses_cache_ = false;
  DirectBlocks blocks_;
  Fd tmp_fd_;
  Fd kept_fd_;
  Fd folder_fd_;
  std::string transfer_;
  std::optional<TreeStore> trees_;
  std::optional<DirectoryLock> lock_;  // On folder_fd_.
  std::map<std::string, std::uint64_t>
      kept_;  // "<digest>-<size>" to bytes on disk, as found by open() and not promised yet.
  std::atomic<std::uint64_t> next_number_{0};
};

}  // namespace callboard::sync
