#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/entry.h"
#include "base/limits.h"
#include "base/result.h"
#include "sync/change.h"
#include "sync/file_ops.h"
#include "sync/mover.h"
#include "sync/pull_records.h"
#include "sync/root.h"
#include "sync/stager.h"
#include "sync/tree_store.h"
#include "sync/versions.h"

namespace callboard::sync {

struct CommitOptions {
  bool durable = true;  // false: no syncfs, no fsync; for benchmarks and throw-away folders.
  std::size_t group_files = kCommitGroupFiles;
  std::uint64_t group_bytes = kCommitGroupBytes;
  Duration group_time = kCommitGroupTime;
  bool notes_pulled = true;  // For the next pull, should this one be killed.
};

// Gives verified files, links and directories their real names, a group at a time: what is staged goes to disk (one
// syncfs), every destination is looked at again and what was changed there by hand is kept as a version, then come
// the renames and one transaction of the index. A crash at any point leaves every name with its old or its new whole
// content, and running the pull again does the rest.
// A directory of which nothing is there yet is put together in the stager's folder, group by group as everything else, and
// gets its name in finish(): nobody sees half of it.
// New directories are writable and get their mode in finish(). A directory of the user's that forbids writing is an
// error that names it; it is never changed to make room.
// Thread: one at a time (the committing thread); writers use the Stager meanwhile and hand their StagedFile over.
// Fails (Result) where going on is pointless: disk full, quota, read-only or broken file system, index; what got its
// name until then is recorded all the same. Call nothing but the destructor afterwards.
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

  // Never the project folder itself. A directory comes before what lies in it. Commits the group when it is full or old enough.
  Result<void> add(Change change, Instant now);
  // Commits the group when it is due by its age; call now and then while nothing is added.
  Result<void> tick(Instant now);
  // Commits the rest, sets the modes of directories, and brings every name to disk. Done is only what follows this.
  // Without `places` new directories get no name yet: the giver's folder changed meanwhile, another round brings the rest.
  // Their files are found by Stager::take_from_tree().
  Result<void> finish(bool places = true);
  // What is not finished waits for the next try.
  ~Committer();

 private:
  // Why one change could not be made.
  struct Problem {
    Error error;
    bool fatal = false;           // The next one would fail alike.
    bool source_changed = false;  // What was to be renamed.
    bool place_taken = false;     // By another directory.
  };
  using Attempt = std::optional<Problem>;  // nullopt: it worked.
  Attempt changed() const;                 // It worked, and that is told.

  // A directory on its way.
  struct Assembly {
    std::unique_ptr<TreeStore::Growing> tree;
    std::uint16_t mode = 0;  // As the giver has it.
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };
  using Assemblies = std::map<RelativePath, Assembly>;
  // The one that `path` lies beneath.
  Assemblies::iterator assembly_of(const RelativePath& path);
  Result<void> begin_assemblies();
  Attempt commit_all(const std::vector<const Change*>& changes, bool assembled);
  Attempt open_in_assembly(const Assemblies::value_type& assembly, RelativePath parent);
  void give_up_assemblies();
  Result<void> place_assemblies();
  Attempt place(const RelativePath& path, const Assembly& assembly);

  bool is_due(Instant now) const;
  Result<void> commit_group();
  std::vector<const Change*> by_directory() const;
  Result<void> sync_group();
  Attempt commit_one(const Change& change);
  Attempt open_parent_of(const RelativePath& path);
  Place destination(const RelativePath& path) const;
  bool put_new_file(const Change& change);
  Attempt put_file(const Change& change, const Inspected& there);
  Attempt put_symlink(const Change& change, const Inspected& there);
  Attempt put_directory(const Change& change, const Inspected& there);
  Attempt set_metadata(const Change& change, const Inspected& there);
  bool is_still(const RelativePath& path, const FileStatus& looked_at);
  Attempt set_mode_and_time(const Change& change, const FileStatus& there);
  Attempt rename_file(const Change& change, const Inspected& there);
  Attempt rename_directory(const Change& change, const Inspected& there);
  Attempt remove(const Change& change);
  Mover mover() const;
  Attempt put(const Place& from, const RelativePath& path, const Inspected& there);
  enum class Before { kept, pulled };  // What becomes of what stood there: it is a version already, or goes.
  Attempt replace(const Place& from, const RelativePath& path, const FileStatus& expected, Before before);
  Attempt keep_swapped_out(const Place& from, const RelativePath& path, bool is_open);
  Attempt keep_and_replace(const Place& from, const RelativePath& path, const FileStatus& there);
  Attempt move_away_and_put(const Place& from, const RelativePath& path);
  static Problem problem(const Error& error);
  static Problem source_changed(const Change& change);
  void note_kept(const KeptVersion& version);
  void undo(const KeptVersion& version, const Place& to);
  void note_done(const Change& change);
  void note_pulling();
  Result<void> record_group();
  Result<void> set_directory_modes(bool assembled);
  Attempt set_directory_mode(const RelativePath& path, std::uint16_t mode);
  Result<void> sync_touched();

  Parts parts_;
  CommitOptions options_;
  std::vector<Change> group_;
  std::uint64_t group_bytes_ = 0;
  Instant group_started_{};
  RelativePath parent_;  // Whose descriptor is held, while a group is committed.
  Fd parent_fd_;
  std::vector<Index::Pulled> pulled_;                                    // Of this group, to be recorded.
  std::vector<const Change*> done_;                                      // Of this group, to be told.
  std::vector<std::pair<RelativePath, std::uint16_t>> directory_modes_;  // Until finish().
  std::set<RelativePath> touched_;  // Directories whose names may not be on disk yet.
  bool versions_touched_ = false;
  Assemblies assemblies_;
  bool assembled_unsynced_ = false;  // Names in them are not on disk yet.
};

}  // namespace callboard::sync
