#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sync/file_ops.h"
#include "sync/file_status.h"
#include "sync/relative_path.h"
#include "sync/root.h"

namespace callboard::sync {

// What stood under `path` until something else got that name.
struct KeptVersion {
  RelativePath path;
  Timestamp kept_at;
  FileKind kind = FileKind::file;
  std::uint64_t size_bytes = 0;
  bool name_is_free = false;  // It was moved, not linked: nothing stands under `path` now.
  bool is_open = false;       // A program has it open, and writes to it here.
  std::string place;  // ".callboard/versions/2026-11-21T13-52-23.123Z/dev/a.blend", from the project folder.
};

// `.callboard/versions/<UTC>/<path>`: local files that were changed here and had to make room.
// Thread: one at a time for keep, move_away and their undoing; list() from any. `root` and `ops` must outlive it.
class Versions {
 public:
  static Result<std::unique_ptr<Versions>> open(const Root& root, FileOps& ops);

  // Gives what lies at `from` (the place of `path`) a second name here; the first one stays. Where the file system
  // has no hard links for it, moves it.
  Result<KeptVersion> keep(const RelativePath& path, const Place& from, Timestamp now);
  // Moves it here, whatever it is.
  Result<KeptVersion> move_away(const RelativePath& path, const Place& from, Timestamp now);
  // Undoes the above when what should have replaced it did not come; never over something else that is there by now.
  Result<void> undo(const KeptVersion& version, const Place& to);
  // Forgets a file or link after all: it was nothing but a copy of what a giver has.
  Result<void> discard(const KeptVersion& version);

  // Where it lies, from folder().
  Result<RelativePath> path_of(const KeptVersion& version) const;
  const Root& folder() const { return folder_; }

  // Newest first, of everything at or beneath `path`; at most `most`. Directories appear only when empty.
  Result<std::vector<KeptVersion>> list(const RelativePath& path, std::size_t most) const;

 private:
  enum class Way { link, move };
  // A free name under a folder of kept versions.
  struct Slot {
    RelativePath path;  // From the folder of all versions.
    Timestamp kept_at;
    Fd parent;
  };
  struct Search {
    Timestamp kept_at;
    RelativePath folder;
    RelativePath beneath;
    std::size_t most = 0;
  };

  Versions(Root folder, FileOps& ops) : folder_(std::move(folder)), ops_(ops) {}

  Result<Slot> free_slot(const RelativePath& path, Timestamp now);
  Result<Slot> slot_of(const KeptVersion& version) const;
  Result<KeptVersion> take(const RelativePath& path, const Place& from, Timestamp now, Way way);
  Result<KeptVersion> take_into(const Slot& slot, const RelativePath& path, const Place& from, Way way);
  bool is_under_no_folder(const RelativePath& path) const;
  void remove_empty(RelativePath folder);
  Result<void> list_folder(const Search& search, std::vector<KeptVersion>& found) const;

  Root folder_;
  FileOps& ops_;
};

}  // namespace callboard::sync
