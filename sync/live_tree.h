#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sync/file_ops.h"
#include "sync/ignore.h"
#include "sync/index.h"
#include "sync/root.h"
#include "sync/scan.h"
#include "sync/tree.h"
#include "sync/watch.h"

namespace callboard::sync {

// The tree of a whole project folder, kept current: scanned once and then corrected name by name from what the watch tells.
// Only what changed is read and hashed, only the directories on its path are made anew.
//
// A file that was written to and not closed since is no part of the tree until it is closed, or was left alone for
// kOpenStableAfter, or for kStableAfter where the system cannot tell whether somebody still has it open: it is listed as
// refused, "is being written". So is a file that was made and is still empty; one that is an image or a movie stays so until
// something is in it; and one that grows again and again within kStableAfter of the last closing, like a log, until it was
// left alone for as long. One whose time is far from now was not written to: its time was set. Files that were open before
// the watch began, or when their directory came, are refused as ScanOptions::ops says.
//
// A file with several names (hard links) is told of under the name it was changed by; under its others it is as it was
// until they are told of themselves or the tree is made anew. Those who give it notice that it is not what was listed.
//
// What is ignored (sync/ignore.h) is no part of the tree and not watched. When an ignore file changes, its directory is read
// anew with all beneath, once it is no longer written to.
//
// The index learns what was found once its times have settled (is_unsettled()). Thread: one at a time; all parts must
// outlive it. After an error with Outcome::refused nothing is watched any more and the object is of no use.
class LiveTree {
 public:
  struct Parts {
    const Root& root;
    Index& index;
    const Clock& clock;
    FileOps& ops;
  };
  static constexpr Duration kStableAfter = 1s;

  // Refused when the folder cannot be watched. Cheap: the first settle() scans.
  static Result<std::unique_ptr<LiveTree>> open(Parts parts,
                                                std::size_t directories_max = Watch::kDirectoriesMax);
  ~LiveTree();
  LiveTree(const LiveTree&) = delete;
  LiveTree& operator=(const LiveTree&) = delete;

  // Told on settle()'s thread of what it reads next: these files of a directory, or, without names, a directory that came, with
  // all beneath. Not of the scan of everything.
  using OnReading = std::function<void(const RelativePath& directory, std::span<const std::string> names)>;
  void set_on_reading(OnReading on_reading) { on_reading_ = std::move(on_reading); }

  // Afterwards the tree has everything that changed on disk before the call. Work that was cancelled or failed is done by
  // the next call. `options` as for scan(), but its hooks are not called; progress is that of this call.
  Result<void> settle(const ScanOptions& options);
  // nullptr before the first settle() that succeeded.
  const std::shared_ptr<const Tree>& tree() const { return tree_; }

  // Tells the index what has settled meanwhile. Right after settle(): what is not settled in the tree is not told.
  Result<void> save();
  // How long until settle() or save() has something to do though nothing changed; nullopt: not before something changes.
  std::optional<Duration> idle_for() const;

  Watch& watch() { return *watch_; }
  // Since it was made.
  std::uint64_t files_hashed() const { return files_hashed_; }

 private:
  class Update;
  // Names that changed, by directory.
  struct Pending {
    DirectoryChanges names;
    std::map<std::string, Pending, std::less<>> below;
    bool empty() const { return names.empty() && below.empty(); }
  };
  struct Unsaved {
    FileStatus status;
    Digest digest;
  };
  using UnsavedFiles = std::map<std::string, Unsaved>;
  using Place = std::pair<std::string, std::string>;  // Directory and name.
  struct Writing {
    Instant since;          // When it was last told.
    bool is_open = false;   // When that was last asked.
    Instant asked = since;  // Never: when it was told.
  };
  struct Closed {
    Instant at;
    std::uint64_t size_bytes = 0;
    int times_grown = 0;
  };

  LiveTree(Parts parts, std::unique_ptr<Watch> watch);
  Result<void> load(const ScanOptions& options);
  void note(const Changes& changes);
  void note_name(const std::string& directory, const std::string& name, const NameChange& change);
  void note_stable();
  // False when somebody may still write to it.
  bool is_left_alone(const Place& place, Writing& writing, Instant now);
  // Of a file that was closed: whether it is one that grows.
  void note_closed(const Place& place, const FileStatus& status);
  void look_anew(const std::string& directory);
  Pending& pending_of(std::string_view directory);
  // What a scan needs so that everything it reads is watched.
  ScanOptions watching(const ScanOptions& options);
  // A directory that is there no more, or another one.
  void forget(const RelativePath& directory);
  void keep_unsaved(const RelativePath& directory, const KnownFiles::Known& file);
  Error why_lost() const { return Error{Outcome::refused, lost_->text}; }

  Parts parts_;
  std::unique_ptr<Watch> watch_;
  OnReading on_reading_;
  std::shared_ptr<const Tree> tree_;
  Pending pending_;
  bool everything_is_pending_ = true;
  std::optional<Error> lost_;          // Why nothing is watched any more.
  std::map<Place, Writing> unstable_;  // What is being written.
  std::map<Place, Closed> closed_;     // Within kStableAfter.
  std::set<Place> rewritten_;          // Of what was refused as that, what had been in the tree before.
  std::map<std::string, UnsavedFiles> unsaved_;  // By directory.
  std::vector<std::string> vanished_;            // Directories the index may still know.
  std::optional<Instant> save_at_;
  std::uint64_t files_hashed_ = 0;
};

}  // namespace callboard::sync
