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
#include "sync/directory_lock.h"
#include "sync/file_ops.h"
#include "sync/file_status.h"
#include "sync/incoming_file.h"
#include "sync/pull_journal.h"
#include "sync/relative_path.h"
#include "sync/root.h"
#include "sync/tree_store.h"

namespace callboard::sync {

// How long what a broken transfer left may wait for the next try.
inline constexpr auto kKeptLife = 24h;
// The same for what came of a new directory, which may be days of copying: over a holiday.
inline constexpr auto kKeptTreeLife = 14 * 24h;

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
  Result<IncomingFile> begin_copy(const RelativePath& path, const Entry& entry, Shape shape = Shape::dense);
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
  PullJournal& journal() { return *journal_; }
  // Where journals of transfers that were killed lie.
  int kept_fd() const { return kept_fd_.get(); }
  // What an earlier try had at this path of a new directory, hashed again: after a power cut it may look as it should and be
  // zeros, when it was not synced, or not yet. What this transfer put there is not, so that it has the content must be known.
  std::optional<StagedFile> take_from_tree(const RelativePath& path, const Entry& entry);

  // Whether tries before this one, or under way, have left files, without touching anything.
  static bool has_files(FileOps& ops, const Root& root);
  // What an earlier try left, whole or in part.
  Room kept() const;
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
  std::optional<PullJournal> journal_;
  std::optional<DirectoryLock> lock_;  // On folder_fd_.
  std::map<std::string, std::uint64_t>
      kept_;  // "<digest>-<size>" to bytes on disk, as found by open() and not promised yet.
  std::atomic<std::uint64_t> next_number_{0};
};

}  // namespace callboard::sync
