#pragma once

#include <cstdint>
#include <memory>
#include <string>
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
  // Undoes the above when what should have replaced it did not come; never over something that is there by now.
  Result<void> move_back(const KeptVersion& version, const Place& to);

  // Newest first, of everything at or beneath `path`; at most `most`. Directories appear only when empty.
  Result<std::vector<KeptVersion>> list(const RelativePath& path, std::size_t most) const;

 private:
  Versions(Root folder, FileOps& ops) : folder_(std::move(folder)), ops_(ops) {}

  Root folder_;
  FileOps& ops_;
};

}  // namespace callboard::sync
