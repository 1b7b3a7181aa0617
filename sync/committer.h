#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/entry.h"
#include "base/limits.h"
#include "base/result.h"
#include "sync/file_ops.h"
#include "sync/root.h"
#include "sync/stager.h"
#include "sync/versions.h"

namespace callboard::sync {

// One thing a pull does under a real name.
struct Change {
  enum class Kind : std::uint8_t { file, symlink, directory, metadata };
  Kind kind = Kind::file;
  RelativePath path;
  Entry entry;         // As the giver has it.
  std::string staged;  // Of a file: StagedFile::name.
};

// What the committer asks of the index.
class PullRecords {
 public:
  virtual ~PullRecords() = default;
  // True when `status` is what the index saw under `path` and its content is what was last pulled there.
  virtual Result<bool> is_as_pulled(const RelativePath& path, const FileStatus& status) = 0;
  // True when `status` is what the index saw under `path` and its content is `digest`.
  virtual Result<bool> has_content(const RelativePath& path, const FileStatus& status,
                                   const Digest& digest) = 0;
  struct Pulled {
    RelativePath path;
    FileStatus status;
    Entry entry;
  };
  // All or none.
  virtual Result<void> record(const std::vector<Pulled>& pulled) = 0;
};

// Told on the thread that commits, in the order of events.
class CommitListener {
 public:
  virtual ~CommitListener() = default;
  virtual void on_committed(const Change& change) = 0;
  virtual void on_kept(const KeptVersion& version) = 0;
  // This one thing could not be done (read-only directory, name too long, changed meanwhile); the rest goes on.
  virtual void on_failed(const RelativePath& path, const Error& error) = 0;
};

struct CommitOptions {
  bool durable = true;  // false: no syncfs, no fsync; for benchmarks and throw-away folders.
  std::size_t group_files = kCommitGroupFiles;
  std::uint64_t group_bytes = kCommitGroupBytes;
  Duration group_time = kCommitGroupTime;
};

// Gives verified files, links and directories their real names, a group at a time: what is staged goes to disk (one
// syncfs), every destination is looked at again and what was changed there by hand is kept as a version, then come
// the renames and one transaction of the index. A crash at any point leaves every name with its old or its new whole
// content, and running the pull again does the rest.
// Directories are made writable and get their mode in finish(). A directory of the user's that forbids writing is an
// error that names it; it is never changed to make room.
// Thread: one at a time (the committing thread); writers use the Stager meanwhile and hand their StagedFile over.
// Fails (Result) where going on is pointless: disk full, quota, read-only or broken file system, index; the changes
// of that group that got their names are recorded all the same. Call nothing but the destructor afterwards.
class Committer {
 public:
  // All must outlive the committer; `started` names the folder of kept versions.
  struct Parts {
    const Root& root;
    FileOps& ops;
    Stager& stager;
    Versions& versions;
    PullRecords& records;
    CommitListener& listener;
    Timestamp started;
  };
  Committer(const Parts& parts, const CommitOptions& options) : parts_(parts), options_(options) {}

  // A directory comes before what lies in it. Commits the group when it is full.
  Result<void> add(Change change, Instant now);
  // Commits the group when it is due by its age; call now and then while nothing is added.
  Result<void> tick(Instant now);
  // Commits the rest, sets the modes of directories, and brings every name to disk. Done is only what follows this.
  Result<void> finish();

 private:
  struct Destination;

  bool is_due(Instant now) const;
  Result<void> commit_group();
  Result<void> make_staged_durable();
  Result<void> commit_one(const Change& change);
  Result<void> record_group();
  Result<void> set_directory_modes();
  Result<void> sync_touched();

  Parts parts_;
  CommitOptions options_;
  std::vector<Change> group_;
  std::uint64_t group_bytes_ = 0;
  Instant group_started_{};
  std::vector<PullRecords::Pulled> pulled_;                              // Of this group, to be recorded.
  std::vector<std::pair<RelativePath, std::uint16_t>> directory_modes_;  // Until finish().
  std::set<RelativePath> touched_;  // Directories whose names are not on disk yet.
};

}  // namespace callboard::sync
