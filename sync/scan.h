#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "sync/chunker.h"
#include "sync/file_ops.h"
#include "sync/index.h"
#include "sync/known_files.h"
#include "sync/root.h"
#include "sync/tree.h"

namespace callboard::sync {

// A file that a program has open for writing is being written until it was left alone for so long: a frame of a movie may
// take minutes to render, and what is held open for days (a database) is to be given some time.
inline constexpr Duration kOpenStableAfter = 10min;

struct ScanProgress {
  std::uint64_t files_seen = 0;
  std::uint64_t files_hashed = 0;
  std::uint64_t bytes_hashed = 0;
};

struct ScanOptions {
  int hash_threads = 2;  // At least 1. Started only when something has to be hashed.
  int walk_threads = 2;  // At least 1, with the caller's. Started only when several directories wait.
  const std::atomic<bool>* cancelled = nullptr;  // May be set from any thread; must outlive the scan.
  // Told often, on the thread that called scan(); keep it cheap.
  std::function<void(const ScanProgress&)> on_progress;
  // Files modified more recently than this are refused as being written: for folders nobody watches.
  Duration stable_after{0};
  // Who is asked whether a file that the index does not know, and that was modified within kOpenStableAfter, is open for
  // writing: it is refused as being written. nullptr: nobody. Must outlive the scan.
  FileOps* ops = nullptr;
  // Told of files refused for that; on any thread, one at a time.
  std::function<void(const RelativePath& directory, const std::string& name)> on_open;
  // Told once when a file was refused as modified so recently, on the thread that called scan().
  std::function<void()> on_growing;
  // Told of every directory once it is open and before its names are read; on any thread, one at a time. An error ends the
  // scan with it.
  std::function<Result<void>(const RelativePath& directory, int fd)> before_reading;
  // Told of files so new that the index does not learn their content; on any thread, one at a time.
  std::function<void(const RelativePath& directory, const KnownFiles::Known& file)> on_unsettled;
  // Told of the chunks of what ScanDirectory::to_chunk names; on any thread, several at a time.
  std::function<void(const Digest& content, const ChunkList& chunks)> on_chunks;
};

struct Scanned {
  std::shared_ptr<const Tree> tree;
  ScanProgress totals;
  // Not empty when the index could not be written (disk full, read-only): the result is right all the same, but the next
  // scan hashes again.
  std::string index_trouble;
};

// Walks `top` and everything beneath with stat alone, hashes what the index does not know, and tells the index.
// A name that cannot be read, is no file, folder or link, or is a link that leaves the project is an entry of kind refused
// whose target says why; names that vanish meanwhile are left out. What is ignored (sync/ignore.h) is not looked at: it is
// not there. A folder whose ignore file cannot be read cannot be read. Fails when `top` itself is not there or cannot be
// read, and with outcome cancelled. Blocks: for workers, not for the loop. Several scans may run at once.
Result<Scanned> scan(const Root& root, Index& index, const RelativePath& top, const Clock& clock,
                     const ScanOptions& options = {});

}  // namespace callboard::sync
